"""Measures every row of the performance budget and prints one table.

    uv run python -m benchmarks                all rows, about twenty minutes
    uv run python -m benchmarks disk           one row; several names are several rows
    uv run python -m benchmarks --quick        smaller sizes, to see that it works
    uv run python -m benchmarks --record 1.2   also append them to history.jsonl, for a release
    uv run python -m benchmarks --no-mini      without mini-swe-agent, which is installed once
                                               into its own venv in the user's cache

Next to ours run a bare loop (bare_loop.py) and mini-swe-agent, against a stand-in model without
delay. Only ratios of one run say something: the machine's own speed is in every figure.
"""

import argparse
import sys

from benchmarks import history
from benchmarks.bench import QUICK, Bench, Sizes
from benchmarks.programs import compile_all
from benchmarks.rows import ROWS
from benchmarks.table import Row, render


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    parser.add_argument("--no-fail", action="store_true", help="exit with 0, whatever is missed")
    parser.add_argument("--record", metavar="VERSION", help="append the figures to history.jsonl")
    parser.add_argument("--no-mini", action="store_true", help="without mini-swe-agent")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    bench = Bench.open(QUICK if arguments.quick else Sizes(), mini=not arguments.no_mini)
    compile_all()
    rows: list[Row] = []
    for name in arguments.names or ROWS:
        made = ROWS[name](bench)
        for row in made:
            print(" · ".join(row.cells()), file=sys.stderr, flush=True)
        rows += made
    print(render(rows))
    if arguments.record:
        history.record(arguments.record, rows, is_quick=arguments.quick)
    return 0 if arguments.no_fail or all(row.met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
