"""The version of this program. Imports the standard library, nothing else."""

from importlib.metadata import version

from cli.terminal.writer import print_json, to_stdout


def print_version(*, as_object: bool = False) -> None:
    known = version("ml-agent")
    if as_object:
        print_json({"version": known})
    else:
        to_stdout(f"ml-agent {known}\n")
