"""Job: the daily roll-up of customers, of the days that are new or changed."""

from collections.abc import Sequence

from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.steps import roll_up_customers


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_days(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        days = roll_up_customers(job, arguments.days)
    print(f"customer_daily: {len(days)} days built")
    return 0


if __name__ == "__main__":
    run_script(main)
