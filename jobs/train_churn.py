"""Job: train the churn model on the lake's customers, or on a table of one's own, and compare it in MLflow.

The random forest is the model; a logistic regression and gradient boosting are logged beside it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from telflow.churn.pipeline import FOREST
from telflow.churn.train import TrainReport, train_on_lake, train_on_table
from telflow.cli import add_promote, job_parser, open_job, run_job


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="CSV or Parquet file of one's own to train on; churn.own_table names its columns (default: the lake)",
    )
    add_promote(parser)
    arguments = parser.parse_args(argv)
    job = open_job(arguments)
    report = (
        train_on_table(job.lake, job.settings, arguments.table, promote=arguments.promote)
        if arguments.table
        else train_on_lake(job.lake, job.settings, promote=arguments.promote)
    )
    print("\n".join(lines(report)))
    return 0


def lines(report: TrainReport) -> list[str]:
    """``report`` for a reader."""
    told = [f"{report.what}: {report.rows:,} rows, {report.leaving:,} of them left"]
    for algorithm, metrics in report.metrics.items():
        values = ", ".join(
            f"{name} {found.value:.3f} ({found.low:.3f} to {found.high:.3f})" for name, found in metrics.items()
        )
        told.append(f"  {algorithm}: {values}")
    if report.best_roc_auc is not None:
        reached = report.metrics[FOREST]["roc_auc"].value
        told.append(f"  roc_auc {reached:.3f}, best possible from the planted truth {report.best_roc_auc:.3f}")
    verdict = "is the champion" if report.registered.is_champion else "is not the champion"
    told.append(f"{report.registered.model} version {report.registered.version} {verdict}: {report.registered.reason}")
    told.append(f"customers are at risk from a probability of {report.threshold:.3f} up")
    return told


if __name__ == "__main__":
    sys.exit(run_job(main))
