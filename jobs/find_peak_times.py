"""Job: loads, busy hours and percentiles of local days and their months, from the windows."""

from collections.abc import Sequence

from telflow.cli import add_days, job_parser, open_job, run_script
from telflow.peaks.steps import find_peak_times
from telflow.steps import build_peaks


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_days(parser, "local days (default: those that are new or changed)")
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    with job.alone():
        report = build_peaks(job) if arguments.days is None else find_peak_times(job.lake, job.settings, arguments.days)
    print(f"peak times of {len(report.days)} days and {len(report.months)} months are in {job.settings.lake.root}")
    return 0


if __name__ == "__main__":
    run_script(main)
