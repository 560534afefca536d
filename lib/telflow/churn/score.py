"""Scoring: everybody subscribed on a day gets a probability to leave, a decision and its reasons."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn.data import TARGET, read_sources
from telflow.churn.features import COLUMNS, WINDOW_DAYS
from telflow.churn.served import ChurnModel
from telflow.customers.features import as_of_day
from telflow.errors import TrainingDataError
from telflow.lake import Lake, on_day
from telflow.settings import Settings
from telflow.tables import CHURN_SCORES, CUSTOMER_DAILY
from telflow.tracking import check_columns, load_version, model_name, open_tracking, raw_model

ROWS_OF_TASK: Final = 1_000  # some seconds of a processor, reasons and all
ANSWER: Final = (
    "customer string, probability double, is_at_risk boolean, "
    "reasons array<struct<feature: string, contribution: double, reason: string>>"
)
REASON: Final = pa.struct([("feature", pa.string()), ("contribution", pa.float64()), ("reason", pa.string())])
ANSWER_ARROW: Final = pa.schema(
    [
        ("customer", pa.string()),
        ("probability", pa.float64()),
        ("is_at_risk", pa.bool_()),
        ("reasons", pa.list_(REASON)),
    ]
)


@dataclass(frozen=True)
class ScoreReport:
    """What scoring found.

    Attributes:
        as_of: local day after the last one looked at.
        customers: customers scored.
        at_risk: how many are at risk.
        model: name and version of the model.
    """

    as_of: date
    customers: int
    at_risk: int
    model: str


def score_churn(lake: Lake, settings: Settings, as_of: date | None = None, version: str | None = None) -> ScoreReport:
    """Write the churn_scores of one day, in the place of what was there for that day.

    Args:
        lake: needs customer_daily and subscribers.
        settings: ``churn`` and ``mlflow``.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        version: version of the model; when None, the champion.

    Raises:
        ModelMissingError: there is no such version, or no champion yet.
        ModelInputError: the model looks at a column that is no more.
        TableMissingError: a table is not there yet.
        AsOfError: fewer than WINDOW_DAYS of customer_daily lie before ``as_of``, or it ends long before.
        TrainingDataError: nobody is subscribed on ``as_of``.
    """
    open_tracking(settings.mlflow)
    name = model_name(settings.mlflow, TARGET)
    loaded, version = load_version(name, version)
    model: ChurnModel = raw_model(loaded)
    check_columns(f"{name} version {version}", model.columns.names, COLUMNS.names)
    sources = read_sources(lake)
    as_of = as_of_day(sources.daily, as_of, WINDOW_DAYS)
    features = sources.features([as_of], int(model.facts["history_days"])).persist()
    rows = with_answers(features.transform(spread), model, settings.churn.reasons).withColumns(
        {
            "as_of": F.lit(as_of),
            "label_days": F.lit(model.facts["label_days"]),
            "threshold": F.lit(model.threshold),
            "base_probability": F.lit(model.forest.base),
            "model": F.lit(name),
            "model_version": F.lit(version),
            "source_version": F.lit(sources.versions[CUSTOMER_DAILY.name]),
            "scored_at": F.lit(datetime.now(UTC)),
        }
    )
    rows = rows.persist()
    try:
        customers, at_risk = rows.agg(F.count(F.lit(1)), F.count_if("is_at_risk")).collect()[0]
        if not customers:
            raise TrainingDataError(f"nobody of subscribers is subscribed on {as_of}: nothing was written")
        lake.replace(CHURN_SCORES, rows, on_day(as_of), note=f"{name} {version}")
    finally:
        rows.unpersist()
        features.unpersist()
    return ScoreReport(as_of, customers, at_risk, f"{name} version {version}")


def spread(rows: DataFrame, most: int = ROWS_OF_TASK) -> DataFrame:
    """``rows`` in parts of about ``most``: Spark itself parts by bytes, and a few bytes here take much time."""
    return rows.repartition(max(-(-rows.count() // most), 1))


def with_answers(features: DataFrame, model: ChurnModel, reasons: int) -> DataFrame:
    """The model's answer to each row, computed where the rows are; the model's arrays travel with the task.

    Args:
        features: ``customer`` and the model's columns.
        model: the served model.
        reasons: reasons for each customer.

    Returns:
        ``customer``, ``probability`` (double), ``is_at_risk`` (boolean) and ``reasons`` (array of ``feature``,
        ``contribution`` and ``reason``, the strongest first).
    """

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.to_pandas()
            if len(rows):
                yield pa.RecordBatch.from_pylist(answers(rows, model, reasons), schema=ANSWER_ARROW)

    return features.select("customer", *model.columns.names).mapInArrow(answer, ANSWER)


def answers(rows: pd.DataFrame, model: ChurnModel, most: int) -> list[dict[str, Any]]:
    """Answers to ``rows`` as records."""
    probability = model.probability(rows)
    return [
        {"customer": customer, "probability": chance, "is_at_risk": chance >= model.threshold, "reasons": told}
        for customer, chance, told in zip(
            rows["customer"], probability.tolist(), model.reasons(rows, most), strict=True
        )
    ]
