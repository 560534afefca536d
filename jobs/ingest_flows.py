"""Job: read new flow files into the lake, labelled, with every rejected line in quarantine.

Exit status 1 where a file is cut, all rejected, empty, of no known format or unreadable; the others are read all the
same.
"""

from collections.abc import Sequence

from telflow.cli import job_parser, open_job, run_script
from telflow.steps import ingest_flows


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("inputs", nargs="*", help="files, folders or globs (default: the setting ingest.input)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = ingest_flows(job, arguments.inputs)
    print("\n".join(report.lines()))
    return 1 if report.faults else 0


if __name__ == "__main__":
    run_script(main)
