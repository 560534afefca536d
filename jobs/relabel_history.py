"""Job: label flows again under another registry version, or under changed categories, and have their days rebuilt.

Only days in which a label changes are written; with every step that builds on them told so, the next pipeline run
rebuilds what they went into.
"""

from collections.abc import Sequence

from pyspark.sql import functions as F

from telflow.classify.relabelling import changed_days, days_to_rebuild, relabelled, service_changes
from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.days import CHANGE, log_days, next_run
from telflow.steps import load_labels
from telflow.tables import FLOWS

SHOWN = 10


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--registry-version", help="version to label with (default: as configured, else the newest)")
    add_days(parser, "UTC days to look at (default: all)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():  # from the read on: flows that came in between would be lost
        labels = load_labels(job.lake, job.settings, arguments.registry_version)
        flows = job.lake.read(FLOWS)
        if arguments.days is not None:
            flows = flows.where(F.col("event_date").isin(arguments.days))
        again = relabelled(flows, labels)

        changed = changed_days(again)
        touched = days_to_rebuild(changed)
        for row in service_changes(again).orderBy(F.desc("bytes"), F.desc("flows")).limit(SHOWN).collect():
            before, after = f"{row.before_service} ({row.before_category})", f"{row.service} ({row.category})"
            print(f"{before} -> {after}: {row.flows:,} flows, {row.bytes:,} bytes")
        log_days(job.lake, CHANGE, touched, next_run(job.lake))  # first: a run that dies here is still made up for
        job.lake.replace_days(FLOWS, again.where(F.col("event_date").isin(list(changed))), changed)
    print(f"{len(changed)} days labelled again under registry {labels.version}, {len(touched)} days to rebuild")
    return 0


if __name__ == "__main__":
    run_script(main)
