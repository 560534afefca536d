"""Job: train the churn model on the lake's customers, or on a table of one's own, and compare it in MLflow.

The random forest is the model; a logistic regression and gradient boosting are logged beside it.
"""

from collections.abc import Sequence
from pathlib import Path

from telflow.churn.pipeline import FOREST
from telflow.churn.train import TrainReport, train_on_lake, train_on_table
from telflow.cli import add_promote, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="CSV or Parquet file of one's own to train on; churn.own_table names its columns (default: the lake)",
    )
    source.add_argument(
        "--again",
        metavar="RUN",
        help="train once more by the settings that a run logged, on the versions of the tables that it read",
    )
    add_promote(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    report = (
        train_on_table(job.lake, job.settings, arguments.table, promote=arguments.promote)
        if arguments.table
        else train_on_lake(job.lake, job.settings, again=arguments.again, promote=arguments.promote)
    )
    print("\n".join(lines(report)))
    return 0


def lines(report: TrainReport) -> list[str]:
    """``report`` for a reader."""
    told = [f"{report.what}: {report.rows:,} rows, {report.leaving:,} of them left"]
    for algorithm, metrics in report.metrics.items():
        values = ", ".join(f"{name} {found.told}" for name, found in metrics.items())
        told.append(f"  {algorithm}: {values}")
    if report.best_roc_auc is not None:
        reached = report.metrics[FOREST]["roc_auc"].value
        told.append(
            f"  roc_auc {reached:.3f}, best possible from the planted truth {report.best_roc_auc:.3f}, "
            "which knows contracts and complaints to come too"
        )
    verdict = "is the champion" if report.registered.is_champion else "is not the champion"
    told.append(f"{report.registered.model} version {report.registered.version} {verdict}: {report.registered.reason}")
    told.append(decision(report.threshold))
    return told


def decision(threshold: float) -> str:
    """Who is flagged, for a reader."""
    if threshold > 1:
        return "nobody is flagged: the probabilities tell too little for what a false alarm costs"
    if threshold <= 0:
        return "everybody is flagged: the probabilities tell too little, and a missed customer costs more"
    return f"customers are at risk from a probability of {threshold:.3f} up"


if __name__ == "__main__":
    run_script(main)
