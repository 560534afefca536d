"""Job: ports and services of both ends, and the networks outside, of the days that are new or changed."""

from collections.abc import Sequence

from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.steps import list_networks, list_traffic_types


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_days(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        days = list_traffic_types(job, arguments.days)
        print(f"traffic_types: {len(days)} days built", flush=True)
        days = list_networks(job, arguments.days)
    print(f"remote_networks: {len(days)} days built")
    return 0


if __name__ == "__main__":
    run_script(main)
