"""Where each subscriber stands on a day: peers, risk, complaints, consent, level of use."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import Peers
from telflow.customers.schemes import UFM
from telflow.customers.subscriptions import subscribed_on
from telflow.lake import Lake
from telflow.tables import (
    CHURN_EVENTS,
    CHURN_SCORES,
    COMPLAINTS,
    CUSTOMER_SCORES,
    CUSTOMER_SEGMENTS,
    SUBSCRIBERS,
    Table,
)


def newest(lake: Lake, table: Table, as_of: date, where: str = "true") -> DataFrame | None:
    """Rows of ``table`` of its newest ``as_of`` up to the given day; None where there is none."""
    if not lake.exists(table):
        return None
    rows = lake.read(table).where(where).where(F.col("as_of") <= F.lit(as_of))
    day = rows.agg(F.max("as_of")).collect()[0][0]
    return None if day is None else rows.where(F.col("as_of") == F.lit(day))


def subscribed(lake: Lake, as_of: date) -> DataFrame:
    """Rows of SUBSCRIBERS who have signed up before ``as_of`` and have not left before it.

    Raises:
        TableMissingError: the provider has delivered no subscribers.
    """
    return subscribed_on(lake.read(SUBSCRIBERS), lake.read_or_empty(CHURN_EVENTS), as_of)


def peers_of(lake: Lake, subscribers: DataFrame, as_of: date) -> Peers:
    """Segment of each customer by the newest segments up to ``as_of``; the plan of each where there are none."""
    segments = newest(lake, CUSTOMER_SEGMENTS, as_of)
    if segments is None:
        return Peers("plan", subscribers.select("customer", F.col("plan").alias("peers")))
    return Peers("segment", segments.select("customer", F.col("segment").alias("peers")))


def standing(lake: Lake, subscribers: DataFrame, peers: Peers, as_of: date, complaint_days: int) -> DataFrame:
    """Where each of ``subscribers`` stands on ``as_of``; tables that are not there yet leave their columns empty.

    Returns:
        ``customer``, ``may_approach`` (boolean, false where nothing is known), ``complaints`` (bigint, of the last
        ``complaint_days``), ``churn_probability`` (double), ``is_at_risk`` (boolean), ``ufm_level`` and ``peers``.
    """
    first = F.lit(as_of - timedelta(days=complaint_days))
    recent = (F.col("complaint_date") >= first) & (F.col("complaint_date") < F.lit(as_of))
    complaints = lake.read_or_empty(COMPLAINTS).where(recent).groupBy("customer").agg(F.count(F.lit(1)).alias("told"))
    none = lake.spark.createDataFrame([], "customer string, probability double, is_at_risk boolean, level string")
    churn = newest(lake, CHURN_SCORES, as_of) or none
    levels = newest(lake, CUSTOMER_SCORES, as_of, f"scheme = '{UFM.name}'") or none
    joined = (
        subscribers.select("customer", "marketing_consent")
        .join(complaints, on="customer", how="left")
        .join(churn.select("customer", "probability", "is_at_risk"), on="customer", how="left")
        .join(levels.select("customer", F.col("level").alias("ufm_level")), on="customer", how="left")
        .join(peers.groups, on="customer", how="left")
    )
    return joined.select(
        "customer",
        F.coalesce("marketing_consent", F.expr("false")).alias("may_approach"),
        F.coalesce("told", F.lit(0)).cast("bigint").alias("complaints"),
        F.col("probability").alias("churn_probability"),
        F.coalesce("is_at_risk", F.expr("false")).alias("is_at_risk"),
        "ufm_level",
        "peers",
    )
