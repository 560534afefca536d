"""What the jobs of the advice do: read tables, call the functions that compute, write tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from pyspark.sql import functions as F

from telflow.advice.associations import associations, baskets, strongest_for
from telflow.advice.micro_trends import CUSTOMER, Period, micro_trends
from telflow.advice.plan_fit import customer_use, plan_fit
from telflow.advice.recommendations import NO_CHANGE, recommendations, with_standing
from telflow.advice.rules import Rules, load_rules
from telflow.advice.standing import peers_of, standing, subscribed
from telflow.classify.categories import load_categories
from telflow.customers.daily import days_held
from telflow.customers.subscriptions import subscribed_on
from telflow.errors import TableMissingError
from telflow.lake import Lake, on_day
from telflow.progress import progress
from telflow.settings import Settings
from telflow.tables import (
    CATEGORY_ASSOCIATIONS,
    CHURN_EVENTS,
    CUSTOMER_DAILY,
    MICRO_TRENDS,
    PLAN_FIT,
    PLANS,
    RECOMMENDATIONS,
    SUBSCRIBERS,
)


@dataclass(frozen=True)
class TrendReport:
    """What a run over the trends found.

    Attributes:
        as_of: local day after the last one looked at; None where the roll-up holds no day at all.
        directions: customers' categories by direction, or by the reason why none is told.
        peers: segment or plan.
    """

    as_of: date | None
    directions: Mapping[str, int] = field(default_factory=dict)
    peers: str = ""


@dataclass(frozen=True)
class AdviceReport:
    """What a run over the recommendations found.

    Attributes:
        as_of: local day after the last one looked at.
        kinds: recommendations by kind.
        untold: subscribers who get none, by reason.
        customers: subscribers who get one, no change included.
        may_approach: those of them who may be approached with something else than no change.
        rules_version: version of the reviewed rules.
    """

    as_of: date
    kinds: Mapping[str, int]
    untold: Mapping[str, int]
    customers: int
    may_approach: int
    rules_version: str


def period_of(lake: Lake, as_of: date | None) -> Period | None:
    """The days looked at, up to ``as_of`` or all; None where the roll-up holds no day before it.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
    """
    days = lake.read(CUSTOMER_DAILY)
    if as_of is not None:
        days = days.where(F.col("local_date") < F.lit(as_of))
    held = days_held(days)
    return None if held is None else Period(as_of or held.last + timedelta(days=1), held.first)


def find_micro_trends(lake: Lake, settings: Settings, as_of: date | None = None) -> TrendReport:
    """Write the micro_trends of one day, in the place of what was there for it.

    Args:
        lake: needs customer_daily; groups are segments, or plans where no segments are assigned.
        settings: ``advice``.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
    """
    period = period_of(lake, as_of)
    if period is None:
        return TrendReport(None)
    known = subscribed_on(lake.read_or_empty(SUBSCRIBERS), lake.read_or_empty(CHURN_EVENTS), period.as_of)
    peers = peers_of(lake, known, period.as_of)
    version = lake.version(CUSTOMER_DAILY)
    trends = micro_trends(lake.read(CUSTOMER_DAILY), peers, period, settings.advice)
    rows = trends.withColumn("source_version", F.lit(version).cast("bigint"))
    with progress(lake.spark, "micro-trends"):
        lake.replace(MICRO_TRENDS, rows, on_day(period.as_of), note=str(version))
    written = lake.read(MICRO_TRENDS).where(on_day(period.as_of)).where(F.col("scope_kind") == CUSTOMER)
    outcome = F.coalesce("direction", "untold_reason").alias("outcome")
    counted = {row.outcome: row["count"] for row in written.groupBy(outcome).count().collect()}
    return TrendReport(period.as_of, counted, peers.kind)


def recommend_services(lake: Lake, settings: Settings, as_of: date | None = None) -> AdviceReport:
    """Write plan_fit, category_associations and recommendations of one day, in the place of what was there for it.

    Args:
        lake: needs micro_trends of that day, customer_daily, subscribers and plans; what is there of churn_scores,
            customer_scores, customer_segments, complaints and churn_events is taken into account.
        settings: ``advice``.
        as_of: local day after the last one looked at; when None, the newest in micro_trends.

    Raises:
        TableMissingError: a table that is needed, or its day, is not there yet.
    """
    chosen = settings.advice
    as_of = trend_day(lake, as_of)
    period = period_of(lake, as_of)
    if period is None:
        raise TableMissingError(f"{lake.location(CUSTOMER_DAILY)} holds no day before {as_of}: roll up customers first")
    trends = lake.read(MICRO_TRENDS).where(on_day(as_of))
    subscribers = subscribed(lake, as_of)
    rules = reviewed_rules(settings)
    used = customer_use(lake.read(CUSTOMER_DAILY), period, chosen)
    fit = plan_fit(subscribers, lake.read(PLANS), trends, used, chosen).withColumn("as_of", F.lit(as_of))
    with progress(lake.spark, "plan fit"):
        lake.replace(PLAN_FIT, fit, on_day(as_of))
    bought = baskets(trends, chosen.basket_share)
    found = associations(bought, chosen).withColumn("as_of", F.lit(as_of))
    with progress(lake.spark, "associations"):
        lake.replace(CATEGORY_ASSOCIATIONS, found, on_day(as_of))
    stands = standing(lake, subscribers, peers_of(lake, subscribers, as_of), as_of, chosen.complaint_days)
    written_fit = lake.read(PLAN_FIT).where(on_day(as_of))
    known = with_standing(written_fit, stands, chosen).persist()
    best = strongest_for(bought, lake.read(CATEGORY_ASSOCIATIONS).where(on_day(as_of)))
    rows = recommendations(known, trends, rules, chosen).join(best, on=["customer", "category"], how="left")
    try:
        with progress(lake.spark, "recommendations"):
            lake.replace(RECOMMENDATIONS, rows, on_day(as_of), note=f"rules {rules.version}")
    finally:
        known.unpersist()
    return advice_report(lake, as_of, rules.version)


def reviewed_rules(settings: Settings) -> Rules:
    """The rules of the settings, for the categories of the settings."""
    return load_rules(settings.advice.rules, load_categories(settings.classify.categories).meanings)


def advice_report(lake: Lake, as_of: date, version: str) -> AdviceReport:
    """What stands in the tables for ``as_of``."""
    written = lake.read(RECOMMENDATIONS).where(on_day(as_of))
    kinds = {row.kind: row["count"] for row in written.groupBy("kind").count().collect()}
    fit = lake.read(PLAN_FIT).where(on_day(as_of)).where(F.col("untold_reason").isNotNull())
    untold = {row.untold_reason: row["count"] for row in fit.groupBy("untold_reason").count().collect()}
    is_offer = F.col("may_approach") & (F.col("kind") != NO_CHANGE)
    first = written.where("rank = 1").agg(F.count(F.lit(1)), F.count_if(is_offer)).collect()[0]
    return AdviceReport(as_of, kinds, untold, first[0], first[1], version)


def trend_day(lake: Lake, as_of: date | None) -> date:
    """Day of micro_trends to recommend by: the given one, else the newest.

    Raises:
        TableMissingError: it is not there.
    """
    days = lake.read(MICRO_TRENDS).select("as_of").distinct().collect()
    known = sorted(row.as_of for row in days)
    if not known or (as_of is not None and as_of not in known):
        wanted = "any day" if as_of is None else str(as_of)
        raise TableMissingError(
            f"{lake.location(MICRO_TRENDS)} holds no trends as of {wanted}: run jobs/find_micro_trends.py for it first"
        )
    return as_of or known[-1]
