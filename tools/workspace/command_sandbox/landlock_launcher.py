"""Restricts itself with Landlock, then becomes the command. Run as a file by `python -I -S`.

    landlock_launcher.py [--status FD] [--no-network] (--write|--read|--none PATH)... -- COMMAND...

Imports nothing of ours: a command waits for every import.

Landlock knows only what may be reached: a rule on a folder holds for all below it. So what is to be
hidden is left out by giving a rule to each of its neighbours instead of to their folder.
"""

import _ctypes
import os
import stat
import sys

CREATE, ADD, RESTRICT = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_SOCK, MAKE_FIFO, MAKE_SYM, REFER, TRUNCATE = 1 << 9, 1 << 10, 1 << 12, 1 << 13, 1 << 14
MAKE_CHAR, MAKE_BLOCK = 1 << 6, 1 << 11
BIND_TCP, CONNECT_TCP = 1, 2
SCOPES = 1 | 2  # abstract Unix sockets, signals
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = (
    READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO
    | MAKE_SYM | REFER | TRUNCATE
)  # fmt: skip
FOR_FILES = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE
ALL = WRITE | MAKE_CHAR | MAKE_BLOCK
#: What is in /dev for everyone; the rest (disks, memory) is not reachable.
DEVICES = (
    "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "dri", "kfd", "dxg",
    "infiniband",
)  # fmt: skip
DEVICE_STARTS = ("nvidia", "accel", "habanalabs", "mali", "apex_")
#: CAP_ numbers that a root user's command keeps, as in bubblewrap.py.
KEPT = (0, 1, 3, 4, 5, 6, 7)
ORDER = {"none": 0, "read": 1, "write": 2}


class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class Function(_ctypes.CFuncPtr):
    """A function of the C library. `ctypes` is made of this and takes 8 ms to import, half of what
    this program takes in all."""

    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Long


library = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]
syscall = Function(_ctypes.dlsym(library, "syscall"))
prctl = Function(_ctypes.dlsym(library, "prctl"))


class Ruleset:
    def __init__(self, places: dict[str, str], network: bool) -> None:
        self.places = places
        self.abi: int = syscall(CREATE, None, Long(0), 1)
        if self.abi < 1:
            raise OSError(_ctypes.get_errno(), "this kernel has no Landlock")
        self.handled = ALL
        if self.abi < 3:
            self.handled &= ~TRUNCATE
        if self.abi < 2:
            self.handled &= ~REFER
        words = [self.handled]
        if self.abi >= 4:
            words.append(0 if network else BIND_TCP | CONNECT_TCP)
        if self.abi >= 6:
            words.append(SCOPES)
        attributes = b"".join(word.to_bytes(8, sys.byteorder) for word in words)
        self.descriptor = checked(syscall(CREATE, attributes, Long(8 * len(words)), 0))

    def grant(self, path: str, rights: int) -> None:
        """Give `rights` below `path`; a file or folder that is gone needs none."""
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISLNK(mode) or os.readlink(f"/proc/self/fd/{descriptor}") != path:
                return  # exchanged for a link, or reached over one
            rights &= self.handled if stat.S_ISDIR(mode) else self.handled & FOR_FILES
            rule = rights.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder)
            checked(syscall(ADD, self.descriptor, 1, rule, 0))
        finally:
            os.close(descriptor)

    def walk(self, path: str, access: str) -> None:
        """Rules for all below `path`, where `access` holds unless a place says less."""
        if path == "/dev":
            return
        below = {p: a for p, a in self.places.items() if p.startswith(path.rstrip("/") + "/")}
        if not any(self.is_less(a, access) for a in below.values()) and path != "/":
            if access != "none":
                self.grant(path, READ if access == "read" else WRITE)
            for inner, its in below.items():
                if ORDER[its] > ORDER[access]:
                    self.grant(inner, READ if its == "read" else WRITE)
            return
        try:
            names = os.listdir(path)
        except OSError:
            return
        for name in names:
            child = os.path.join(path, name)
            if child == "/dev" or any(p == child or p.startswith(child + "/") for p in below):
                self.walk(child, self.places.get(child, access))
            else:
                self.grant(child, READ if access == "read" else WRITE)

    def is_less(self, one: str, other: str) -> bool:
        """Whether a place takes away what holds around it. "read" below "write" cannot be held:
        nothing new could then be made in all the folders around it."""
        return one == "none" != other

    def devices(self) -> None:
        try:
            names = os.listdir("/dev")
        except OSError:
            return
        for name in names:
            if name in DEVICES or name.startswith(DEVICE_STARTS):
                self.grant(f"/dev/{name}", WRITE)

    def restrict(self) -> None:
        self.walk("/", self.places.get("/", "read"))
        self.devices()
        # Names can be listed everywhere: programs look through the folders above their own.
        self.grant("/", READ_DIR)
        if os.geteuid() == 0:
            for capability in range(64):
                if capability not in KEPT and prctl(24, capability, 0, 0, 0) != 0:
                    break
        checked(prctl(38, 1, 0, 0, 0))
        checked(syscall(RESTRICT, self.descriptor, 0))
        os.close(self.descriptor)


def checked(result: int) -> int:
    if result < 0:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def main(words: list[str]) -> None:
    places: dict[str, str] = {}
    network, status = True, -1
    while words[0] != "--":
        option = words.pop(0)
        if option == "--no-network":
            network = False
        elif option == "--status":
            status = int(words.pop(0))
        else:
            places[words.pop(0)] = option.removeprefix("--")
    command = words[1:]
    try:
        Ruleset(places, network).restrict()
    except OSError as error:
        sys.exit(f"landlock: {error}")
    if status >= 0:
        os.write(status, b'{ "exit-code": "started" }\n')
        os.close(status)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"landlock: cannot run {command[0]}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
