"""Our side: the steps of jobs/run_pipeline.py, each timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from telflow.cli import Job
from telflow.errors import InputError
from telflow.lake import Lake
from telflow.session import build_session
from telflow.settings import Settings
from telflow.steps import (
    build_peaks,
    build_windows,
    compare_labels,
    ingest_flows,
    roll_up_customers,
    score,
    take_in_provider,
)
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SCORES, FLOWS, RECLASSIFICATION, TRAFFIC_BY_WINDOW, Table
from tests.benchmarks.meter import PeakMemory

COMPARED = (FLOWS, TRAFFIC_BY_WINDOW, RECLASSIFICATION, CUSTOMER_DAILY, CUSTOMER_SCORES)


@dataclass(frozen=True)
class OurRun:
    """What our side did.

    Attributes:
        rows: flows.
        bytes_per_flow: size of the table of flows on disk over its rows.
        peak_mib: peak resident memory, JVM and Python workers included; None where it cannot be told.
        seconds: by part.
        files: Parquet files of each compared table.
    """

    rows: int
    bytes_per_flow: float
    peak_mib: int | None
    seconds: dict[str, float]
    files: dict[str, list[str]]


def run_alone(settings: Settings) -> OurRun:
    """The daily run with a session of its own, whose start is a part."""
    began = time.perf_counter()
    spark = build_session(settings.spark, "telflow-bench")
    session_seconds = time.perf_counter() - began
    done = run_ours(Job(settings, spark, Lake(spark, settings.lake.root)))
    spark.stop()
    return replace(done, seconds={"session": session_seconds, **done.seconds})


def run_ours(job: Job) -> OurRun:
    """The daily run."""
    with PeakMemory() as memory:
        seconds = run_steps(job)
    rows = job.lake.read(FLOWS).count()
    return OurRun(
        rows=rows,
        bytes_per_flow=round(table_bytes(job, FLOWS) / rows, 1),
        peak_mib=memory.mebibytes,
        seconds=seconds,
        files={table.name: table_files(job, table) for table in COMPARED},
    )


def run_steps(job: Job) -> dict[str, float]:
    """Seconds of each step, in the order of the daily run."""
    steps: dict[str, Callable[[Job], object]] = {
        "provider": take_in_provider,
        "flows": ingest_whole,
        "windows": build_windows,
        "reclassification": compare_labels,
        "customer_daily": roll_up_customers,
        "scores": score,
        "peaks": build_peaks,
    }
    seconds = {}
    for name, step in steps.items():
        began = time.perf_counter()
        step(job)
        seconds[name] = time.perf_counter() - began
    return seconds


def ingest_whole(job: Job) -> None:
    """Read the flow files, all of whose records have to be kept."""
    report = ingest_flows(job)
    if report.total("quarantined") or report.faults:
        raise InputError(
            f"{job.settings.ingest.input} is not as it was written, remove it: {'; '.join(report.lines())}"
        )


def table_files(job: Job, table: Table) -> list[str]:
    """Parquet files that the newest version of ``table`` consists of."""
    return sorted(unquote(urlsplit(uri).path) for uri in job.lake.read(table).inputFiles())


def table_bytes(job: Job, table: Table) -> int:
    """Size of ``table`` on disk, its log included."""
    return sum(path.stat().st_size for path in Path(job.lake.location(table)).rglob("*") if path.is_file())
