"""Job: compare what exporters call an application with what the IANA registry says of its port."""

from collections.abc import Sequence

from telflow.classify.reclassification import agreement_share, largest_disagreements
from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.steps import compare_labels
from telflow.tables import RECLASSIFICATION

SHOWN = 10


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_days(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        days = compare_labels(job, arguments.days)
    print(f"reclassification: {len(days)} days built")

    written = job.lake.read(RECLASSIFICATION)
    for row in agreement_share(written).collect():
        print(f"named by its exporter: {percent(row.observed_flows_share)} of flows")
        print(
            f"of these the registry agrees on {percent(row.same_flows_share)}, {percent(row.same_bytes_share)} of bytes"
        )
    for row in largest_disagreements(written, SHOWN).collect():
        print(f"{row.observed_application}, the registry says {row.service}: {row.flows:,} flows, {row.bytes:,} bytes")
    return 0


def percent(share: float | None) -> str:
    """A share in words; there is none of nothing."""
    return "none" if share is None else f"{share:.1%}"


if __name__ == "__main__":
    run_script(main)
