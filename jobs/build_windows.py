"""Job: traffic by window, of the days that are new or changed."""

from collections.abc import Sequence

from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.steps import build_windows


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_days(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        days = build_windows(job, arguments.days)
    print(f"traffic_by_window: {len(days)} days built")
    return 0


if __name__ == "__main__":
    run_script(main)
