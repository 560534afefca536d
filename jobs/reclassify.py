"""Job: compare what exporters call an application with what the IANA registry says of its port."""

import sys
from collections.abc import Sequence

from pyspark.sql import functions as F

from telflow.classify.reclassification import (
    agreement_share,
    largest_disagreements,
    load_application_names,
    reclassified,
)
from telflow.cli import job_parser, open_job, parse_days, run_job
from telflow.tables import FLOWS, RECLASSIFICATION

SHOWN = 10


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--days", type=parse_days, metavar="A..B", help="UTC days to compare (default: all)")
    arguments = parser.parse_args(argv)
    lake = open_job(arguments).lake
    names = load_application_names(arguments.conf)

    flows = lake.read(FLOWS)
    if arguments.days is None:
        lake.replace_all(RECLASSIFICATION, reclassified(flows, names))
    else:
        rows = reclassified(flows.where(F.col("event_date").isin(arguments.days)), names)
        lake.replace_days(RECLASSIFICATION, rows, arguments.days)

    written = lake.read(RECLASSIFICATION)
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
    sys.exit(run_job(main))
