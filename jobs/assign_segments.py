"""Job: write the segment of each customer by the champion, or another version, and who moved since an earlier date."""

from collections.abc import Sequence
from datetime import date

from telflow.cli import add_as_of, job_parser, open_job, run_script
from telflow.segments.assign import AssignReport, assign_segments
from telflow.segments.inputs import days_told


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser)
    parser.add_argument("--model-version", metavar="N", help="version of the model (default: the champion)")
    parser.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="date in customer_segments to tell migrations from (default: the last one before)",
    )
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = assign_segments(job.lake, job.settings, arguments.as_of, arguments.model_version, arguments.since)
    print("\n".join(lines(report)))
    return 0


def lines(report: AssignReport) -> list[str]:
    """``report`` for a reader."""
    total = sum(report.customers.values())
    told = [f"{report.as_of}: {total:,} customers by {report.model} version {report.version}"]
    told += days_told(report.days, report.window_days, report.as_of)
    for segment, customers in sorted(report.customers.items(), key=lambda each: (-each[1], each[0])):
        told.append(f"  {segment}: {customers:,} ({customers / total:.1%})")
    if report.too_few:
        told.append(f"  in none, seen on fewer than {report.min_active_days} active days: {report.too_few:,}")
    if report.since is not None and report.moved is None:
        told.append(
            f"since {report.since}: who moved is not told, another version divided them then; assign that day again "
            f"with --as-of {report.since} --model-version {report.version}"
        )
    elif report.since is not None:
        told.append(f"since {report.since}: {report.moved:,} moved to another segment, {report.stayed:,} stayed")
    return told


if __name__ == "__main__":
    run_script(main)
