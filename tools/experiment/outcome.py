"""What a run of the judge has measured. Blocking."""

from pathlib import Path

from configs.folder_files import Unreadable, read_regular
from core.backend import RunningCommand
from core.experiments.metrics import NoMetric, checked, json_place, read_json, read_lines
from core.experiments.record import Judge

#: Bytes of output, and of a file with metrics, that are read.
OUTPUT, LARGEST = 50_000_000, 10_000_000


def metrics_of(command: RunningCommand, judge: Judge, folder: str) -> tuple[dict[str, float], int]:
    """(every metric of a run, how many values the judge's has). Raises NoMetric."""
    output, size = command.read_new(0, OUTPUT)
    if size > OUTPUT:
        raise NoMetric(f"it printed more than {OUTPUT:,} bytes, and not all of it can be read")
    lines = read_lines(output.decode("utf-8", "replace").splitlines())
    found = {name: values[-1] for name, values in lines.items()}
    place = json_place(judge.metric)
    if place is not None:
        found[judge.metric] = _from_file(*place, command, folder)
    if judge.metric not in found:
        raise NoMetric("there is no line `METRIC name=value` with that name")
    checked(judge.metric, found[judge.metric])
    finite = {name: value for name, value in found.items() if abs(value) < float("inf")}
    return finite, len(set(lines.get(judge.metric, [0.0])))


def seconds_of(command: RunningCommand) -> float:
    meta, run = command.meta(), Path(command.output_path).parent
    try:
        return max((run / "exit").stat().st_mtime - meta.started, 0.0) if meta else 0.0
    except OSError:
        return 0.0


def _from_file(name: str, key: str, command: RunningCommand, folder: str) -> float:
    path = Path(folder, name)
    try:
        status = path.stat()
        # A file from an earlier run is not a result of this one. Its time can be set to a later
        # one, that of its last change cannot. Both are of the file system's clock, which is a few
        # milliseconds behind Python's; so is the time of what is written as a run begins.
        begun = Path(command.output_path).with_name("meta.json").stat()
        if min(status.st_mtime_ns, status.st_ctime_ns) < begun.st_ctime_ns:
            raise NoMetric(f"{name} was not written by this run")
        return read_json(read_regular(path, LARGEST).decode(), key)
    except (OSError, UnicodeDecodeError, Unreadable) as error:
        raise NoMetric(f"{name} cannot be read: {error}") from None
