"""Where each subscriber stands on a day: peers, risk, complaints, consent, level of use."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import Peers, Period
from telflow.customers.attribution import NOBODY
from telflow.customers.schemes import UFM
from telflow.customers.subscriptions import subscribed_on
from telflow.lake import Lake
from telflow.settings import AdviceSettings
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


def empty(lake: Lake, table: Table) -> DataFrame:
    """No row of ``table``."""
    return lake.spark.createDataFrame([], table.schema)


def subscribed(lake: Lake, as_of: date) -> DataFrame:
    """Rows of SUBSCRIBERS who had signed up before ``as_of`` and had not left before it.

    Raises:
        TableMissingError: the provider has delivered no subscribers.
    """
    return subscribed_on(lake.read(SUBSCRIBERS), lake.read_or_empty(CHURN_EVENTS), as_of)


def with_plan_seen(subscribers: DataFrame, daily: DataFrame, period: Period, settings: AdviceSettings) -> DataFrame:
    """``subscribers`` with the last plan that ``daily`` tells of them in the cycles looked at.

    The provider's table is its newest state: what stands there is left to who was not seen.
    """
    day, as_of = F.col("local_date"), period.as_of
    since = as_of - timedelta(days=settings.cycles * settings.cycle_days)
    is_read = (day >= F.lit(since)) & (day < F.lit(as_of)) & (F.col("plan") != NOBODY)
    seen = daily.where(is_read).groupBy("customer").agg(F.max_by("plan", "local_date").alias("seen_plan"))
    known = subscribers.join(seen, on="customer", how="left")
    return known.withColumn("plan", F.coalesce("seen_plan", "plan")).drop("seen_plan")


def peers_of(lake: Lake, subscribers: DataFrame, as_of: date) -> Peers:
    """Segment of each customer by the newest segments up to ``as_of``; the plan of each where there are none."""
    segments = newest(lake, CUSTOMER_SEGMENTS, as_of)
    if segments is None:
        return Peers("plan", subscribers.select("customer", F.col("plan").alias("peers")))
    return Peers("segment", segments.select("customer", F.col("segment").alias("peers")))


def standing(lake: Lake, subscribers: DataFrame, as_of: date, complaint_days: int) -> DataFrame:
    """Where each of ``subscribers`` stands on ``as_of``; tables that are not there yet leave their columns empty.

    A churn score tells of the days that follow its own ``as_of``; once they are over it is not looked at.

    Returns:
        ``customer``, ``has_consented`` (boolean, false where nothing is known), ``complaints`` (bigint, of the last
        ``complaint_days``), ``churn_probability`` (double), ``churn_as_of`` (date), ``is_at_risk`` (boolean) and
        ``ufm_level``.
    """
    first = F.lit(as_of - timedelta(days=complaint_days))
    recent = (F.col("complaint_date") >= first) & (F.col("complaint_date") < F.lit(as_of))
    complaints = lake.read_or_empty(COMPLAINTS).where(recent).groupBy("customer").agg(F.count(F.lit(1)).alias("told"))
    is_current = f"date_add(as_of, label_days) > DATE'{as_of}'"
    churn = newest(lake, CHURN_SCORES, as_of, is_current) or empty(lake, CHURN_SCORES)
    levels = newest(lake, CUSTOMER_SCORES, as_of, f"scheme = '{UFM.name}'") or empty(lake, CUSTOMER_SCORES)
    scores = churn.select(
        "customer", F.col("probability").alias("churn_probability"), F.col("as_of").alias("churn_as_of"), "is_at_risk"
    )
    joined = (
        subscribers.select("customer", "marketing_consent")
        .join(complaints, on="customer", how="left")
        .join(scores, on="customer", how="left")
        .join(levels.select("customer", F.col("level").alias("ufm_level")), on="customer", how="left")
    )
    return joined.select(
        "customer",
        F.coalesce("marketing_consent", F.expr("false")).alias("has_consented"),
        F.coalesce("told", F.lit(0)).cast("bigint").alias("complaints"),
        "churn_probability",
        "churn_as_of",
        F.coalesce("is_at_risk", F.expr("false")).alias("is_at_risk"),
        "ufm_level",
    )
