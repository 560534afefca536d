"""Job: join the small files of tables that grow run by run, and remove files that no version of the last week holds.

Rows and answers stay as they are.
"""

from collections.abc import Sequence

from telflow.cli import job_parser, open_job, run_script
from telflow.tables import ALL_TABLES, DAY_LOG, FLOWS, FLOWS_QUARANTINE, INGEST_LOG, WORKING_TABLES

GROWING = (FLOWS, FLOWS_QUARANTINE, INGEST_LOG, DAY_LOG)  # the others are written anew, day by day, in few files


def main(argv: Sequence[str] | None = None) -> int:
    job = open_job(job_parser(__doc__).parse_args(argv))
    with job.alone():
        for table in GROWING:
            before, after = job.lake.compact(table)
            print(f"{table.name}: {before:,} files became {after:,}")
        for table in (*ALL_TABLES, *WORKING_TABLES):
            job.lake.vacuum(table)
    return 0


if __name__ == "__main__":
    run_script(main)
