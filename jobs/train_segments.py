"""Job: divide customers into segments by a sweep, tracked in MLflow, and register the best clustering."""

from collections.abc import Sequence

from telflow.cli import add_as_of, add_promote, job_parser, open_job, run_script
from telflow.segments.inputs import days_told
from telflow.segments.train import TrainReport, train_segments


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    add_as_of(parser)
    parser.add_argument(
        "--source-version", type=int, metavar="N", help="version of customer_daily to read (default: the newest)"
    )
    parser.add_argument(
        "--again",
        metavar="RUN",
        help="train once more by the settings, the day and the version of customer_daily that a run logged, a sweep "
        "or one clustering of it",
    )
    add_promote(parser)
    arguments = parser.parse_args(argv)
    if arguments.again and (arguments.as_of or arguments.source_version is not None):
        parser.error("--again takes the day and the version from its run: leave out --as-of and --source-version")
    job = open_job(arguments)
    report = train_segments(
        job.lake,
        job.settings,
        arguments.as_of,
        arguments.source_version,
        again=arguments.again,
        promote=arguments.promote,
    )
    print("\n".join(lines(report)))
    return 0


def lines(report: TrainReport) -> list[str]:
    """``report`` for a reader."""
    kind = "synthetic customers" if report.is_synthetic else "customers"
    told = [
        f"{report.customers:,} {kind} as of {report.as_of}, customer_daily version {report.source_version}, "
        f"{len(report.tried)} runs below parent {report.run_id}"
    ]
    told += days_told(report.days, report.window_days, report.as_of)
    for rank, each in enumerate(report.tried, start=1):
        tried = each.candidate
        planted = each.metrics.get("planted_ari")
        truth = "" if planted is None else f", planted ARI {planted:.3f}"
        told.append(f"{rank:3} {tried.algorithm} k={tried.k} {tried.transform}: {each.standing.reason}{truth}")
    verdict = "is the champion" if report.is_champion else "is not the champion"
    told.append(f"{report.model} version {report.version} {verdict}: {report.reason}")
    told.append("segments: " + "; ".join(report.tried[0].model.names))
    return told


if __name__ == "__main__":
    run_script(main)
