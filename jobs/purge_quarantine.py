"""Job: remove quarantined lines, which hold addresses in the clear, once they are older than the settings allow.

The files they stood in are removed too, as soon as no query of the last week can still need them.
"""

from collections.abc import Sequence

from telflow.cli import job_parser, open_job, run_script
from telflow.steps import purge_quarantine
from telflow.tables import FLOWS_QUARANTINE


def main(argv: Sequence[str] | None = None) -> int:
    arguments = job_parser(__doc__).parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        purge_quarantine(job)
        job.lake.vacuum(FLOWS_QUARANTINE)
    print(f"flows_quarantine: lines older than {job.settings.privacy.quarantine_days} days are gone")
    return 0


if __name__ == "__main__":
    run_script(main)
