"""Job: find how each customer's and each segment's use of a category goes, over the last weeks of the daily roll-up."""

from collections.abc import Sequence

from telflow.advice.steps import TrendReport, find_micro_trends, gaps
from telflow.cli import add_as_of, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = find_micro_trends(job.lake, job.settings, arguments.as_of)
    print("\n".join([line(report), *gaps(report.missing_days)]))
    return 0


def line(report: TrendReport) -> str:
    """``report`` for a reader."""
    if report.as_of is None:
        return "customer_daily holds no day before the one asked for: no trend to find"
    counted = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(report.directions.items()))
    return f"{report.as_of}: customers' categories: {counted or 'none'}; peers by {report.peers}"


if __name__ == "__main__":
    run_script(main)
