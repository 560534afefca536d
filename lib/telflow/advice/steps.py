"""What the jobs of the advice do: read tables, call the functions that compute, write tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.advice.associations import associations, baskets, strongest_for
from telflow.advice.micro_trends import ALL, CUSTOMER, WEEK_DAYS, Period, has_trends, micro_trends
from telflow.advice.plan_fit import plan_fit
from telflow.advice.plan_use import customer_use
from telflow.advice.recommendations import needs, recommendations, with_standing
from telflow.advice.rules import Rules, load_rules
from telflow.advice.standing import peers_of, standing, subscribed, with_plan_seen
from telflow.classify.categories import load_categories
from telflow.customers.daily import days_held, days_there
from telflow.customers.subscriptions import subscribed_on
from telflow.errors import TableMissingError
from telflow.lake import Lake, on_day
from telflow.progress import progress
from telflow.settings import AdviceSettings, Settings
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
        missing_days: days in the weeks looked at that the roll-up does not hold.
    """

    as_of: date | None
    directions: Mapping[str, int] = field(default_factory=dict)
    peers: str = ""
    missing_days: int = 0


@dataclass(frozen=True)
class AdviceReport:
    """What a run over the recommendations found.

    Attributes:
        as_of: local day after the last one looked at.
        kinds: recommendations by kind.
        untold: subscribers who get none, by reason.
        untold_at_risk: those of them who are at risk of leaving.
        customers: subscribers who get one, no change included.
        may_approach: those of them who may be approached with one.
        rules_version: version of the reviewed rules.
        strangers: customers of the trends who are no subscribers: nothing is recommended to them.
        missing_days: days in the weeks looked at that the roll-up does not hold.
    """

    as_of: date
    kinds: Mapping[str, int]
    untold: Mapping[str, int]
    untold_at_risk: int
    customers: int
    may_approach: int
    rules_version: str
    strangers: int
    missing_days: int


def period_of(lake: Lake, as_of: date | None) -> Period | None:
    """The days looked at, up to ``as_of`` or all; None where the roll-up holds no day before it.

    Raises:
        TableMissingError: nothing has written customer_daily yet, or it ends before ``as_of``.
    """
    held = days_held(lake.read(CUSTOMER_DAILY))
    if held is None or (as_of is not None and as_of <= held.first):
        return None
    after = held.last + timedelta(days=1)
    if as_of is not None and as_of > after:
        raise TableMissingError(
            f"{lake.location(CUSTOMER_DAILY)} ends on {held.last}: roll up customers up to the day before {as_of}, "
            f"or take {after} at most"
        )
    return Period(as_of or after, held.first)


def find_micro_trends(lake: Lake, settings: Settings, as_of: date | None = None) -> TrendReport:
    """Write the micro_trends of one day, in the place of what was there for it.

    Args:
        lake: needs customer_daily; groups are segments, or plans where no segments are assigned.
        settings: ``advice``.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.

    Raises:
        TableMissingError: nothing has written customer_daily yet, or it ends before ``as_of``.
    """
    period = period_of(lake, as_of)
    if period is None:
        return TrendReport(None)
    version = lake.version(CUSTOMER_DAILY)
    daily = lake.read(CUSTOMER_DAILY, version)
    known = subscribed_on(lake.read_or_empty(SUBSCRIBERS), lake.read_or_empty(CHURN_EVENTS), period.as_of)
    peers = peers_of(lake, known.transform(with_plan_seen, daily, period, settings.advice), period.as_of)
    rows = micro_trends(daily, peers, period, settings.advice).withColumn(
        "source_version", F.lit(version).cast("bigint")
    )
    with progress(lake.spark, "micro-trends"):
        lake.replace(MICRO_TRENDS, rows, on_day(period.as_of))
    written = lake.read(MICRO_TRENDS).where(on_day(period.as_of)).where(F.col("scope_kind") == CUSTOMER)
    outcome = F.coalesce("direction", "untold_reason").alias("outcome")
    counted = {row.outcome: row["count"] for row in written.groupBy(outcome).count().collect()}
    return TrendReport(period.as_of, counted, peers.kind, missing_days(daily, period, settings.advice))


def missing_days(daily: DataFrame, period: Period, settings: AdviceSettings) -> int:
    """Days in the weeks looked at that ``daily`` does not hold: on these everybody counts as silent."""
    looked_at = period.weeks(settings) * WEEK_DAYS
    return looked_at - days_there(daily, period.as_of, looked_at)


def gaps(missing_days: int) -> list[str]:
    """A warning of days that the roll-up lacks; nothing where it lacks none."""
    told = f"warning: customer_daily lacks {missing_days:,} days of the weeks looked at: on these all count as silent"
    return [told] if missing_days else []


def recommend_services(lake: Lake, settings: Settings, as_of: date | None = None) -> AdviceReport:
    """Write plan_fit, category_associations and recommendations of one day, in the place of what was there for it.

    Args:
        lake: needs micro_trends of that day, customer_daily in the version that they were told from, subscribers and
            plans; what is there of churn_scores, customer_scores, complaints and churn_events is taken into account.
        settings: ``advice``.
        as_of: local day after the last one looked at; when None, the newest of micro_trends.

    Raises:
        TableMissingError: a table that is needed, or its day, is not there yet; or that version of customer_daily is
            there no more.
    """
    chosen = settings.advice
    as_of = trend_day(lake, chosen, as_of)
    period = period_of(lake, as_of)
    if period is None:
        raise TableMissingError(f"{lake.location(CUSTOMER_DAILY)} holds no day before {as_of}: roll up customers first")
    trends = lake.read(MICRO_TRENDS).where(on_day(as_of))
    read = trends.agg(F.max("source_version")).collect()[0][0]
    rules = reviewed_rules(settings)
    with still_there(as_of):
        daily = lake.read(CUSTOMER_DAILY, read)
    basis = basis_of(lake, daily, trends, period, chosen)
    with progress(lake.spark, "plan fit"), still_there(as_of):
        lake.replace(PLAN_FIT, basis.fit, on_day(as_of))
    bought = baskets(trends, chosen.basket_share)
    found = associations(bought, chosen).withColumn("as_of", F.lit(as_of))
    with progress(lake.spark, "associations"):
        lake.replace(CATEGORY_ASSOCIATIONS, found, on_day(as_of))
    best = strongest_for(bought, lake.read(CATEGORY_ASSOCIATIONS).where(on_day(as_of)))
    called = needs(trends, rules, chosen)
    fit = lake.read(PLAN_FIT).where(on_day(as_of))
    with kept(with_standing(fit, basis.standing, called, chosen)) as known:
        rows = recommendations(known, called, rules, chosen).join(best, on=["customer", "category"], how="left")
        with progress(lake.spark, "recommendations"):
            lake.replace(RECOMMENDATIONS, rows, on_day(as_of), note=f"rules {rules.version}")
        missing = missing_days(daily, period, chosen)
        return advice_report(lake, known, trends, missing, as_of=as_of, version=rules.version)


@contextmanager
def still_there(as_of: date) -> Iterator[None]:
    """Say what to do where the version of customer_daily that the trends of ``as_of`` were told from has been removed.

    Raises:
        TableMissingError: Delta knows that version no more, or its files are gone.
    """
    try:
        yield
    except (TableMissingError, PySparkException, Py4JJavaError) as error:  # which of them depends on who notices
        told = str(error)
        has_no_file = "FILE_NOT_EXIST" in told and CUSTOMER_DAILY.name in told
        if not has_no_file and not isinstance(error, TableMissingError):
            raise
        raise TableMissingError(
            f"run jobs/find_micro_trends.py --as-of {as_of} first: its version of customer_daily is gone, for "
            "versions are kept some days only (jobs/maintain_tables.py)"
        ) from error


@dataclass(frozen=True)
class Basis:
    """What recommendations of a day are made from.

    Attributes:
        fit: rows of PLAN_FIT.
        standing: where each subscriber stands, and ``peers``.
    """

    fit: DataFrame
    standing: DataFrame


def basis_of(lake: Lake, daily: DataFrame, trends: DataFrame, period: Period, settings: AdviceSettings) -> Basis:
    """The fit of each subscriber's plan, and where they stand.

    Args:
        lake: subscribers, plans, and what else the provider and other jobs have written.
        daily: rows of CUSTOMER_DAILY that ``trends`` are told from.
        trends: rows of MICRO_TRENDS of the day.
        period: the days looked at.
        settings: all of ``advice``.

    Raises:
        TableMissingError: the provider has delivered no subscribers, or no plans.
    """
    as_of, plans = period.as_of, lake.read(PLANS)
    subscribers = subscribed(lake, as_of)
    on_plans = subscribers.transform(with_plan_seen, daily, period, settings)
    used = customer_use(daily, on_plans, plans, period, settings)
    fit = plan_fit(on_plans, plans, trends, used, period=period, settings=settings).withColumn("as_of", F.lit(as_of))
    is_all = (F.col("scope_kind") == CUSTOMER) & (F.col("category") == ALL)
    groups = trends.where(is_all).select(F.col("scope").alias("customer"), "peers")
    stands = standing(lake, subscribers, as_of, settings.complaint_days)
    return Basis(fit, stands.join(groups, on="customer", how="left"))


@contextmanager
def kept(frame: DataFrame) -> Iterator[DataFrame]:
    """``frame``, computed once while the block runs."""
    held = frame.persist()
    try:
        yield held
    finally:
        held.unpersist()


def reviewed_rules(settings: Settings) -> Rules:
    """The rules of the settings, for the categories of the settings."""
    return load_rules(settings.advice.rules, load_categories(settings.classify.categories).meanings)


def strangers_in(trends: DataFrame, known: DataFrame) -> int:
    """How many customers of ``trends`` are not among the subscribers that were ``known``."""
    customers = trends.where(F.col("scope_kind") == CUSTOMER).select(F.col("scope").alias("customer")).distinct()
    return customers.join(known, on="customer", how="left_anti").count()


def advice_report(
    lake: Lake, known: DataFrame, trends: DataFrame, missing: int, *, as_of: date, version: str
) -> AdviceReport:
    """What stands in the table for ``as_of``, beside all subscribers that were ``known`` and the day's ``trends``."""
    written = lake.read(RECOMMENDATIONS).where(on_day(as_of))
    kinds = {row.kind: row["count"] for row in written.groupBy("kind").count().collect()}
    by_customer = written.groupBy("customer").agg(F.max("may_approach").alias("may_approach"))
    customers, may_approach = by_customer.agg(F.count(F.lit(1)), F.count_if("may_approach")).collect()[0]
    without = known.join(by_customer, on="customer", how="left_anti").groupBy("untold_reason")
    untold = without.agg(F.count(F.lit(1)).alias("count"), F.count_if("is_at_risk").alias("at_risk")).collect()
    return AdviceReport(
        as_of,
        kinds,
        {row.untold_reason: row["count"] for row in untold},
        sum(row.at_risk for row in untold),
        customers,
        may_approach,
        version,
        strangers_in(trends, known),
        missing,
    )


def trend_day(lake: Lake, settings: AdviceSettings, as_of: date | None) -> date:
    """Day of micro_trends to recommend by: the given one, else the newest; also where nobody can have a trend of it.

    Raises:
        TableMissingError: it is not there.
    """
    known = {row.as_of for row in lake.read(MICRO_TRENDS).select("as_of").distinct().collect()}
    wanted: date | None = as_of or max(known, default=None)
    if wanted is not None and wanted in known:
        return wanted
    period = period_of(lake, as_of)
    if period is not None and not has_trends(lake.read(CUSTOMER_DAILY), period, settings):
        return period.as_of
    raise TableMissingError(
        f"{lake.location(MICRO_TRENDS)} holds no trends as of {wanted or 'any day'}: "
        "run jobs/find_micro_trends.py for it first"
    )
