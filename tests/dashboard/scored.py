"""Rows of the tables that models write, and a tracking store with the runs and the model they come from: synthetic."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
from mlflow.tracking import MlflowClient

from telflow import tables
from telflow.churn.columns import Column, Columns
from telflow.churn.forest import LEAF, Forest
from telflow.churn.served import ChurnModel
from telflow.tables import Table
from telflow.tracking import CALIBRATION_ARTIFACT, CHAMPION, log_plain_model

Write = Callable[[Path, Table, list[dict[str, Any]]], None]
MODULES = ("telflow.churn.served", "telflow.churn.columns", "telflow.churn.forest", "telflow.errors")
THRESHOLD = 0.3


def write_moves(root: Path, as_of: date, customer: str, write: Write) -> None:
    """Who moved to the segments of ``as_of``, a single one between some of them; and one complaint of ``customer``."""
    evening, office = "evening streaming", "office"
    moves = [(evening, evening, 18), (evening, office, 12), (office, evening, 11), (office, office, 15)]
    moves += [("none", office, 1), ("none", evening, 1)]
    write(
        root,
        tables.SEGMENT_MIGRATIONS,
        [
            {"from_as_of": as_of - timedelta(days=14), "to_as_of": as_of, "from_segment": source,
             "to_segment": target, "customers": number, "share_of_from": 0.5}
            for source, target, number in moves
        ],
    )  # fmt: skip
    complaint = {"customer": customer, "complaint_date": as_of - timedelta(days=3), "reason": "outage"}
    write(root, tables.COMPLAINTS, [complaint])


def small_model(leaving: float = 0.7) -> ChurnModel:
    """Two trees: silence is one reason to leave, a complaint the other.

    Args:
        leaving: part that left of those who complained.
    """
    numeric, categorical = ("recency_days", "bytes_per_day", "up_share", "complaints_28_days"), ("contract",)
    told = {
        "recency_days": Column("days since the last active day"),
        "bytes_per_day": Column("volume on an active day", "bytes"),
        "up_share": Column("share of the volume sent", "share"),
        "complaints_28_days": Column("complaints in the last 28 days"),
        "contract": Column("contract", "words"),
    }
    leaf = (LEAF, 0.0, LEAF, LEAF)
    nodes = [(0, 7.0, 1, 2), leaf, leaf, (3, 0.5, 4, 5), leaf, leaf]
    feature, threshold, left, right = (np.array(part) for part in zip(*nodes, strict=True))
    forest = Forest(
        roots=np.array([0, 3]),
        feature=feature.astype(np.int64),
        threshold=threshold.astype(np.float64),
        left=left.astype(np.int64),
        right=right.astype(np.int64),
        cover=np.array([100.0, 80.0, 20.0, 100.0, 90.0, 10.0]),
        value=np.array([0.1, 0.02, 0.6, 0.1, 0.05, leaving]),
        owner=np.array([0, 1, 2, 3, 4, 4]),
    )
    medians = {"recency_days": 1.0, "bytes_per_day": 2e6, "up_share": 0.1, "complaints_28_days": 0.0}
    words = {"contract": ("month-to-month", "one-year")}
    facts: dict[str, int | str] = {"label_days": 14, "history_days": 84}
    return ChurnModel(Columns(numeric, categorical, told), medians, words, THRESHOLD, forest, facts)


def write_store(folder: Path) -> str:
    """A tracking store with a sweep of segments and a churn model in use; its address."""
    address = f"sqlite:///{folder / 'mlflow.db'}"
    former = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address)
    try:
        log_segments(folder)
        log_churn(folder, small_model())
    finally:
        mlflow.set_tracking_uri(former)
    return address


def open_own_experiment(folder: Path, target: str) -> None:
    """An experiment whose files lie below ``folder``, wherever a process runs."""
    if mlflow.get_experiment_by_name(f"telflow-{target}") is None:
        mlflow.create_experiment(f"telflow-{target}", artifact_location=(folder / "mlruns" / target).as_uri())
    mlflow.set_experiment(f"telflow-{target}")


def log_segments(folder: Path) -> None:
    """Two runs of a sweep, the better of them a registered model with its profiles."""
    open_own_experiment(folder, "segments")
    client = MlflowClient()
    for k, silhouette in ((2, 0.5), (3, 0.4)):
        with mlflow.start_run(run_name=f"kmeans, {k} segments") as run:
            mlflow.log_params({"k": k, "seed": 1})
            mlflow.log_metrics({"common_silhouette": silhouette, "bootstrap_ari": 0.9, "seconds": 3.0})
            table = {"segment": ["office", "evening streaming"], "share_gaming": [0.8, 0.0]}
            mlflow.log_table({**table, "share_gaming_deviation": [1.9, -1.2], "up_share_deviation": [0.3, 0.1]},
                             "centres.json")  # fmt: skip
            if k == 2:
                client.create_registered_model("telflow-segments")
                client.create_model_version("telflow-segments", run.info.artifact_uri or "", run.info.run_id)


def log_churn(folder: Path, model: ChurnModel) -> str:
    """``model`` as the churn model in use; its version."""
    open_own_experiment(folder, "churn")
    with mlflow.start_run(run_name="churn"), TemporaryDirectory() as kept:
        mlflow.log_metrics({"roc_auc": 0.91, "roc_auc_low": 0.88, "roc_auc_high": 0.94, "holdout_rows": 400.0})
        bins = {"predicted": [0.02, 0.4, 0.9], "observed": [0.01, 0.5, 0.0], "rows": [380, 16, 4]}
        mlflow.log_table(bins, CALIBRATION_ARTIFACT)
        files = Path(kept) / "model"
        files.mkdir()
        model.save(files)
        example = model.example()
        version = log_plain_model(files, MODULES, example, model.predict(example), "telflow-churn") or ""
    MlflowClient().set_registered_model_alias("telflow-churn", CHAMPION, version)
    return version
