"""Job: recommend plans and services to each customer, with the reasons, from the micro-trends of a day."""

from collections.abc import Sequence

from telflow.advice.steps import AdviceReport, gaps, recommend_services
from telflow.cli import add_as_of, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser, "day of micro_trends to recommend by (default: the newest there)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = recommend_services(job.lake, job.settings, arguments.as_of)
    print("\n".join(lines(report)))
    return 0


def lines(report: AdviceReport) -> list[str]:
    """``report`` for a reader."""
    counted = ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.kinds.items()))
    untold = ", ".join(f"{reason} {count:,}" for reason, count in sorted(report.untold.items()))
    return [
        f"{report.as_of}: {report.customers:,} customers by rules version {report.rules_version}: {counted or 'none'}",
        f"{report.may_approach:,} of them may be approached with an offer",
        f"{sum(report.untold.values()):,} customers get none: {untold or 'nobody'}; {report.untold_at_risk:,} of them "
        "are at risk of leaving",
        f"{report.strangers:,} customers of the trends are no subscribers: for them nothing was thought of",
        *gaps(report.missing_days),
    ]


if __name__ == "__main__":
    run_script(main)
