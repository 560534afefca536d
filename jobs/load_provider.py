"""Job: take in the provider's subscribers, address leases, plans, churn events and complaints, under tokens."""

from collections.abc import Sequence

from telflow.cli import job_parser, open_job, run_script
from telflow.steps import take_in_provider


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("inputs", nargs="*", help="inputs with a folder provider (default: ingest.input)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        written = take_in_provider(job, arguments.inputs)
    print(f"provider's tables: {', '.join(written) or 'nothing new'}")
    return 0


if __name__ == "__main__":
    run_script(main)
