"""Spark ML pipelines: what is missing, words and scale are learned from the training rows alone, with the model."""

from collections.abc import Sequence
from typing import Any, Final

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.base import Estimator, Transformer
from pyspark.ml.classification import GBTClassifier, LogisticRegression
from pyspark.ml.feature import Imputer, OneHotEncoder, StandardScaler, StringIndexer, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.ml.regression import RandomForestRegressionModel, RandomForestRegressor
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn.columns import Columns
from telflow.settings import ChurnSettings

FOREST: Final = "random_forest"
LOGISTIC: Final = "logistic_regression"
BOOSTING: Final = "gradient_boosting"
BINS: Final = 64  # candidate thresholds of a number in a tree
BOOSTING_ROUNDS, BOOSTING_DEPTH, BOOSTING_STEP = 50, 3, 0.1
PENALTY: Final = 0.001

Stage = Estimator[Any] | Transformer


def build_pipeline(columns: Columns, algorithm: str, settings: ChurnSettings) -> Pipeline:
    """Pipeline of one algorithm, not fitted.

    Missing numbers become the training's median; a word that the training did not have, or none, is none of the known
    ones. Numbers are scaled for the regression alone, whose penalty needs it; trees do not.
    """
    numeric = [f"{name}__filled" for name in columns.numeric]
    stages: list[Stage] = [
        Imputer(strategy="median", inputCols=list(columns.numeric), outputCols=numeric, relativeError=1e-4)
    ]
    inputs = numeric
    if algorithm == LOGISTIC:
        stages.append(VectorAssembler(inputCols=numeric, outputCol="numbers"))
        stages.append(StandardScaler(inputCol="numbers", outputCol="scaled", withMean=True, withStd=True))
        inputs = ["scaled"]
    if columns.categorical:
        indexed = [f"{name}__index" for name in columns.categorical]
        words = [f"{name}__word" for name in columns.categorical]
        stages.append(StringIndexer(inputCols=list(columns.categorical), outputCols=indexed, handleInvalid="keep"))
        stages.append(OneHotEncoder(inputCols=indexed, outputCols=words, dropLast=True))
        inputs = [*inputs, *words]
    stages.append(VectorAssembler(inputCols=inputs, outputCol="features"))
    return Pipeline(stages=[*stages, classifier(algorithm, settings)])


def classifier(algorithm: str, settings: ChurnSettings) -> Stage:
    """The last stage of the pipeline.

    The forest is one of regression on 0 and 1, whose prediction is the probability. Variance parts 0 and 1 as Gini's
    impurity does, but Spark's forest of classification joins leaves that predict the same class: where few leave, all
    of them do, and hardly any leaf would be left.
    """
    if algorithm == FOREST:
        return RandomForestRegressor(
            numTrees=settings.trees,
            maxDepth=settings.depth,
            minInstancesPerNode=settings.least_leaf,
            featureSubsetStrategy="sqrt",
            maxBins=BINS,
            seed=settings.seed,
        )
    if algorithm == BOOSTING:
        return GBTClassifier(
            maxIter=BOOSTING_ROUNDS,
            maxDepth=BOOSTING_DEPTH,
            stepSize=BOOSTING_STEP,
            minInstancesPerNode=settings.least_leaf,
            maxBins=BINS,
            seed=settings.seed,
        )
    return LogisticRegression(regParam=PENALTY)


def hyperparameters(algorithm: str, settings: ChurnSettings) -> dict[str, object]:
    """What is logged of an algorithm."""
    known: dict[str, dict[str, object]] = {
        FOREST: {"trees": settings.trees, "depth": settings.depth, "least_leaf": settings.least_leaf, "bins": BINS},
        BOOSTING: {
            "rounds": BOOSTING_ROUNDS,
            "depth": BOOSTING_DEPTH,
            "step": BOOSTING_STEP,
            "least_leaf": settings.least_leaf,
            "bins": BINS,
        },
        LOGISTIC: {"penalty": PENALTY},
    }
    return {"algorithm": algorithm, "seed": settings.seed, **known[algorithm]}


def fit(training: DataFrame, columns: Columns, algorithm: str, settings: ChurnSettings) -> PipelineModel:
    """The pipeline fitted on ``training`` and nothing else."""
    rows = training.select(*columns.names, F.col("label").cast("double").alias("label"))
    return build_pipeline(columns, algorithm, settings).fit(rows)


def with_probability(rows: DataFrame, model: PipelineModel, keep: Sequence[str]) -> DataFrame:
    """Columns ``keep`` of ``rows`` and ``probability`` (double) that the label is 1."""
    is_forest = isinstance(model.stages[-1], RandomForestRegressionModel)
    probability = F.col("prediction") if is_forest else vector_to_array(F.col("probability"))[1]
    return model.transform(rows).select(*keep, probability.alias("probability"))
