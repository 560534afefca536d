"""The whole job beside DuckDB: synthetic flows as 48-column nfdump text to flows, windows, customers and scores.

Both sides read the same files on the same cores, one after the other, and have to come to equal results. What is
found goes to bench.json and to the terminal. ``make bench ROWS=1000000`` changes the size.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from telflow.errors import TelflowError
from telflow.settings import Settings
from tests.benchmarks.duck import Duck
from tests.benchmarks.equality import check_equal
from tests.benchmarks.ours import OurRun, run_alone
from tests.benchmarks.readers import time_readers
from tests.benchmarks.workload import bench_settings, read_once, write_input_alone

ROWS = 5_000_000
SHARED_PARTS = ("flows", "windows", "reclassification", "customer_daily", "scores")
VERSIONS = ("pyspark", "delta-spark", "duckdb", "polars", "pyarrow")

P = ParamSpec("P")
R = TypeVar("R")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    settings = bench_settings(arguments.folder, arguments.rows)
    say(f"synthetic input of about {arguments.rows:,} flows: {settings.ingest.input}")
    try:
        apart(write_input_alone, settings)
        if arguments.readers:
            read_once(settings)
            say(table(("reader", "seconds"), [(name, f"{s:.1f}") for name, s in apart(time_readers, settings).items()]))
            return 0
        result = bench(settings, arguments.folder)
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    say(f"written: {arguments.output}")
    return 0


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = int(os.environ.get("ROWS") or ROWS)
    folder = Path(tempfile.gettempdir()) / "telflow-bench"
    arguments.add_argument("--rows", type=int, default=rows, help=f"flows, about (default: $ROWS, else {ROWS})")
    arguments.add_argument("--folder", type=Path, default=folder, help=f"where to work (default: {folder})")
    arguments.add_argument("--output", type=Path, default=Path("bench.json"), help="result (default: bench.json)")
    arguments.add_argument("--readers", action="store_true", help="compare ways to read the same files instead")
    return arguments


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Result of ``function`` from a process of its own: it starts cold, and leaves no memory behind."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def bench(settings: Settings, folder: Path) -> dict[str, object]:
    """Both sides from text to tables, and what bench.json holds.

    Raises:
        BrokenIdentityError: the sides' results differ.
    """
    text_bytes, load = read_once(settings), os.getloadavg()[0]
    clear(settings, folder)
    ours = apart(run_alone, settings)
    duck = Duck(folder / "duckdb", settings)
    theirs = duck.run()
    compared = check_equal(duck.connection, ours.files, duck.output)
    say(seconds_table(ours.seconds, theirs))
    result = summary(ours, theirs)
    say(", ".join(f"{key} {value}" for key, value in result.items() if key != "seconds"))
    return {
        "input": "synthetic: 48-column nfdump text of telflow.simulate",
        **result,
        "shared_parts": list(SHARED_PARTS),
        "rows_compared": compared,
        "text_bytes": text_bytes,
        "cores": os.cpu_count(),
        "load_average_before": round(load, 2),
        "versions": {name: version(name) for name in VERSIONS},
    }


def clear(settings: Settings, folder: Path) -> None:
    """Remove what an earlier run left, its input aside."""
    for left in (Path(settings.lake.root), folder / "duckdb"):
        shutil.rmtree(left, ignore_errors=True)


def summary(ours: OurRun, theirs: dict[str, float]) -> dict[str, object]:
    """The numbers that are compared from run to run."""
    ratio = sum(ours.seconds[part] for part in SHARED_PARTS) / sum(theirs[part] for part in SHARED_PARTS)
    return {
        "rows": ours.rows,
        "ratio_duckdb": round(ratio, 2),
        "bytes_per_flow": ours.bytes_per_flow,
        "peak_mib": ours.peak_mib,
        "seconds": {"ours": rounded(ours.seconds), "duckdb": rounded(theirs)},
    }


def rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {part: round(value, 2) for part, value in seconds.items()}


def seconds_table(ours: dict[str, float], theirs: dict[str, float]) -> str:
    """Seconds by part of both sides; parts of one side alone do not count for the ratio."""
    rows = [(part, f"{ours[part]:.1f}", f"{theirs[part]:.1f}" if part in theirs else "") for part in ours]
    both = [f"{sum(side[part] for part in SHARED_PARTS):.1f}" for side in (ours, theirs)]
    return table(("seconds", "ours", "DuckDB"), [*rows, (f"sum of {', '.join(SHARED_PARTS)}", *both)])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns: the first to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
