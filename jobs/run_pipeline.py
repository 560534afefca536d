"""Job: the daily run. Everything that new files and changed days call for, and nothing else.

Exit status 1 where a file is cut, all rejected, empty, of no known format or unreadable; everything else is built all
the same.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from telflow.cli import Job, job_parser, open_job, run_script
from telflow.customers.provider import FOLDER, provider_folders
from telflow.steps import (
    build_peaks,
    build_windows,
    compare_labels,
    ingest_flows,
    list_networks,
    list_traffic_types,
    purge_quarantine,
    roll_up_customers,
    score,
    scores_are_current,
    take_in_provider,
)
from telflow.tables import ALL_TABLES, CUSTOMER_DAILY, LEASES


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("inputs", nargs="*", help="files, folders or globs (default: the setting ingest.input)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        status = run(job, arguments.inputs)
    print("\n".join([*warnings(job, arguments.inputs), *overview(job)]))
    return status


def run(job: Job, inputs: Sequence[str] = ()) -> int:
    """All steps in order, each told of with its seconds; the exit status."""
    with told("provider's tables"):
        take_in_provider(job, inputs)
    with told("flows"):
        report = ingest_flows(job, inputs)
    print("\n".join(report.lines()))
    with told("traffic by window"):
        days = build_windows(job)
    with told("reclassification"):
        compare_labels(job)
    with told("traffic types"):
        list_traffic_types(job)
    with told("remote networks"):
        list_networks(job)
    with told("customers by day"):
        local = roll_up_customers(job)
    if not scores_are_current(job):
        with told("customer scores"):
            score(job)
    with told("peak times"):
        build_peaks(job)
    with told("quarantine"):
        purge_quarantine(job)
    print(f"built: {len(days)} UTC days, {len(local)} local days")
    return 1 if report.faults else 0


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say how long the block took."""
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def warnings(job: Job, inputs: Sequence[str] = ()) -> list[str]:
    """What a reader of the customers' tables should know."""
    told = []
    named = inputs or [job.settings.ingest.input]
    if job.settings.customers.attribution == "leases" and not (job.lake.exists(LEASES) or provider_folders(named)):
        told.append(
            f"warning: no folder {FOLDER} with leases.csv is below or beside {', '.join(named)}: customers are "
            "addresses, not subscribers (--set customers.attribution=prefixes says that this is meant)"
        )
    if job.settings.customers.attribution == "every_source":
        told.append(
            "warning: every source address counts as a customer (customers.attribution is every_source): outside "
            "scanners are among them"
        )
    if job.lake.exists(CUSTOMER_DAILY) and job.lake.read(CUSTOMER_DAILY).isEmpty():
        told.append(
            "warning: no flow has an end inside network.own_prefixes, so there are no customers: "
            "begin a new lake with your own blocks, --set lake.root=... --set network.own_prefixes=[...]"
        )
    return told


def overview(job: Job) -> list[str]:
    """Each table that is there: where it is, its rows, and what it answers."""
    there = [table for table in ALL_TABLES if job.lake.exists(table)]
    rows = {table.name: f"{job.lake.read(table).count():,}" for table in there}
    width = max((len(job.lake.location(table)) for table in there), default=0)
    return [f"{job.lake.location(table):{width}} {rows[table.name]:>12} rows  {table.answers}" for table in there]


if __name__ == "__main__":
    run_script(main)
