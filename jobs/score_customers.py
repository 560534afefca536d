"""Job: score all customers by their use up to a day, from the daily roll-up."""

from collections.abc import Sequence

from telflow.cli import add_as_of, job_parser, open_job, run_script
from telflow.customers.scores import ScoreReport, score_customers


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = score_customers(job.lake, job.settings, arguments.as_of)
    print("\n".join(lines(report)))
    return 0


def lines(report: ScoreReport) -> list[str]:
    """``report`` for a reader."""
    if report.as_of is None:
        return ["customer_daily holds no day: nobody to score"]
    told = []
    for scheme, levels in report.levels.items():
        counted = ", ".join(f"{level} {customers:,}" for level, customers in sorted(levels.items()))
        told.append(f"{report.as_of} {scheme}: {counted or 'nobody to score'}")
    told.extend(
        f"{empty.scheme}: no customer has level {empty.level} of {empty.measure}" for empty in report.empty_levels
    )
    return told


if __name__ == "__main__":
    run_script(main)
