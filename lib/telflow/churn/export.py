"""From a fitted Spark pipeline to the model that is served: the same trees as plain arrays.

The trees are read from what Spark itself writes of them, which is the one form of them it promises to keep.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.feature import ImputerModel, StringIndexerModel
from pyspark.ml.regression import RandomForestRegressionModel
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.churn.columns import Columns
from telflow.churn.forest import LEAF, Forest
from telflow.churn.served import ChurnModel
from telflow.errors import SettingsError
from telflow.settings import Settings


def served_model(
    spark: SparkSession, fitted: PipelineModel, columns: Columns, threshold: float, scratch: str | None
) -> ChurnModel:
    """The fitted pipeline of a forest as it is served.

    Args:
        spark: the session.
        fitted: what ``telflow.churn.pipeline.fit`` returned for the forest.
        columns: its columns.
        threshold: lowest probability at which a customer is at risk.
        scratch: folder that the driver and the whole cluster see under one path; None for a temporary one of this
            machine, where Spark is embedded.
    """
    stages: dict[type, Any] = {type(stage): stage for stage in fitted.stages}
    surrogates = stages[ImputerModel].surrogateDF.collect()[0]
    medians = {name: float(surrogates[name]) for name in columns.numeric}
    known = stages[StringIndexerModel].labelsArray if columns.categorical else []
    words = {name: tuple(labels) for name, labels in zip(columns.categorical, known, strict=True)}
    owner = [*range(len(columns.numeric))]
    for number, name in enumerate(columns.categorical, start=len(columns.numeric)):
        owner.extend([number] * len(words[name]))
    with scratch_folder(scratch) as folder:
        nodes = node_table(spark, stages[RandomForestRegressionModel], folder)
    return ChurnModel(columns, medians, words, threshold, forest_of(nodes, owner))


@contextmanager
def scratch_folder(scratch: str | None) -> Iterator[str]:
    """A folder to be made below ``scratch``, or in this machine's temporary one; gone when the block ends."""
    if scratch is not None:
        Path(scratch).mkdir(parents=True, exist_ok=True)
    made = tempfile.mkdtemp(prefix="telflow-forest-", dir=scratch)
    try:
        yield f"file:{made}/forest" if scratch is None else f"{made}/forest"
    finally:
        shutil.rmtree(made)


def check_scratch(settings: Settings) -> None:
    """Refuse to train on a cluster without a folder that all of it sees.

    Raises:
        SettingsError: ``churn.scratch`` is null and ``spark.master`` is not local.
    """
    if settings.churn.scratch is None and not (settings.spark.master or "").startswith("local"):
        raise SettingsError(
            "churn.scratch is null, but Spark runs on a cluster: name a folder that the driver and all machines see "
            "under one path, such as a volume; the trees go through it on their way out of Spark"
        )


def node_table(spark: SparkSession, forest: RandomForestRegressionModel, folder: str) -> pd.DataFrame:
    """Nodes of all trees as Spark writes them, by tree and node."""
    forest.write().save(folder)
    stored = spark.read.parquet(f"{folder}/data")
    nodes = stored.select(
        "treeID",
        "nodeData.id",
        "nodeData.prediction",
        F.element_at("nodeData.impurityStats", 1).alias("cover"),
        "nodeData.leftChild",
        "nodeData.rightChild",
        "nodeData.split.featureIndex",
        "nodeData.split.leftCategoriesOrThreshold",
        "nodeData.split.numCategories",
    )
    return nodes.toPandas().sort_values(["treeID", "id"], ignore_index=True)


def forest_of(nodes: pd.DataFrame, owner: list[int]) -> Forest:
    """Nodes of ``node_table`` as arrays.

    Spark takes an encoded word for a category of two values, 0 and 1: a test on it becomes a threshold of a half, the
    children swapped where 1 goes left.
    """
    tree = nodes["treeID"].to_numpy()
    first = np.searchsorted(tree, tree)  # place of each tree's node 0; the others follow in order
    is_leaf = nodes["leftChild"].to_numpy() < 0
    limits = nodes["leftCategoriesOrThreshold"]
    is_category = (nodes["numCategories"].to_numpy() >= 0) & ~is_leaf
    limit = np.array([values[0] if len(values) else 0.0 for values in limits])
    goes_left_at_one = is_category & (limit == 1.0)
    left, right = nodes["leftChild"].to_numpy() + first, nodes["rightChild"].to_numpy() + first
    return Forest(
        roots=np.flatnonzero(nodes["id"].to_numpy() == 0).astype(np.int64),
        feature=np.where(is_leaf, LEAF, nodes["featureIndex"].to_numpy()).astype(np.int64),
        threshold=np.where(is_category, 0.5, limit).astype(np.float64),
        left=np.where(goes_left_at_one, right, left).astype(np.int64),
        right=np.where(goes_left_at_one, left, right).astype(np.int64),
        cover=nodes["cover"].to_numpy(dtype=np.float64),
        value=nodes["prediction"].to_numpy(dtype=np.float64),
        owner=np.array(owner, dtype=np.int64),
    )
