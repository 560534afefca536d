"""Job: score all subscribers by their probability to leave, with the reasons, from the churn model's champion."""

from collections.abc import Sequence

from telflow.churn.score import score_churn
from telflow.cli import add_as_of, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser)
    parser.add_argument("--model-version", metavar="N", help="version to score with (default: the champion)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = score_churn(job.lake, job.settings, arguments.as_of, arguments.model_version)
    print(f"{report.as_of}: {report.customers:,} customers scored by {report.model}, {report.at_risk:,} at risk")
    return 0


if __name__ == "__main__":
    run_script(main)
