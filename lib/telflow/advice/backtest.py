"""Back-test on a simulation: freeze at a date, recommend from what was known by then, look at what was planted.

The planted need for a larger plan is that of the week before the freeze: expected volume of a cycle above the limit
that the simulation plants by, whatever the advice takes for one. ``needs_upsize``, as it stands at the end of the
simulation, is looked at as well; frozen earlier, that is a forecast. The ideal plan, too, is that of that week.

Of the tables, churn scores may be of a model that was trained after the freeze: they hold offers back, no more.
"""

from datetime import date, timedelta
from typing import Final

import mlflow
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.judging import BacktestReport, Frozen, ideal_plans, judge
from telflow.advice.micro_trends import CUSTOMER, WEEK_DAYS, Period, micro_trends
from telflow.advice.recommendations import SERVICE, needs, recommendations, with_standing
from telflow.advice.rules import Rules
from telflow.advice.standing import peers_of, subscribed, with_plan_seen
from telflow.advice.steps import basis_of, kept, period_of, reviewed_rules
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import AdviceSettings, Settings
from telflow.simulate.customers import UTILISATION_LIMIT
from telflow.tables import (
    CHURN_EVENTS,
    CHURN_SCORES,
    COMPLAINTS,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    CUSTOMER_SEGMENTS,
    PLANS,
    SUBSCRIBERS,
    TRUTH_CUSTOMER_CATEGORIES,
    TRUTH_CUSTOMER_WEEKS,
    TRUTH_CUSTOMERS,
)
from telflow.tracking import log_source, log_values, open_experiment

TARGET: Final = "advice"
READ: Final = (
    CUSTOMER_DAILY,
    SUBSCRIBERS,
    PLANS,
    CHURN_EVENTS,
    COMPLAINTS,
    CUSTOMER_SEGMENTS,
    CUSTOMER_SCORES,
    CHURN_SCORES,
    TRUTH_CUSTOMERS,
    TRUTH_CUSTOMER_WEEKS,
    TRUTH_CUSTOMER_CATEGORIES,
)


def backtest(lake: Lake, settings: Settings, as_of: date | None = None) -> BacktestReport:
    """Recommend as on ``as_of``, compare with the planted truth, and log it in MLflow. No table is written.

    Args:
        lake: customer_daily, the provider's tables and the truth of a simulation.
        settings: ``advice`` and ``mlflow``.
        as_of: the freeze; when None, the day after the last one in customer_daily.

    Raises:
        TableMissingError: a table is not there, or the lake is no simulation's.
    """
    if not lake.exists(TRUTH_CUSTOMERS):
        raise TableMissingError(
            f"{lake.location(TRUTH_CUSTOMERS)} is not there: only simulated months can be tested against the truth"
        )
    period = period_of(lake, as_of)
    if period is None:
        raise TableMissingError(f"{lake.location(CUSTOMER_DAILY)} holds no day before {as_of}: roll up customers first")
    rules = reviewed_rules(settings)
    frozen = freeze(lake, settings.advice, rules, period)
    open_experiment(settings.mlflow, TARGET)
    with mlflow.start_run(run_name=f"back-test as of {period.as_of}") as run:
        log_source(lake, *[table for table in READ if lake.exists(table)])
        chosen = settings.advice.model_dump(exclude={"rules"})
        mlflow.log_params({"as_of": str(period.as_of), "rules_version": rules.version, **chosen})
        report = judge(period.as_of, frozen, run.info.run_id)
        log_values(dict(report.metrics))
        mlflow.log_text(report.fairness.to_csv(index=False), "fairness.csv")
    return report


FIT: Final = ("customer", "plan", "utilisation", "upsize_confidence", "advice", "suggested_plan", "untold_reason")


def freeze(lake: Lake, settings: AdviceSettings, rules: Rules, period: Period) -> Frozen:
    """The advice as on ``period.as_of``. A simulation's customers fit the driver: there is no truth of others."""
    daily, plans = lake.read(CUSTOMER_DAILY), lake.read(PLANS).select("plan", "monthly_price", "volume_gigabytes")
    subscribers = subscribed(lake, period.as_of)
    peers = peers_of(lake, subscribers.transform(with_plan_seen, daily, period, settings), period.as_of)
    last_cycle = F.get(F.reverse("cycle_gigabytes"), F.lit(0)).alias("cycle")
    with kept(micro_trends(daily, peers, period, settings)) as trends:
        basis = basis_of(lake, daily, trends, period, settings)
        called = needs(trends, rules, settings)
        with kept(with_standing(basis.fit, basis.standing, called, settings)) as known:
            fits = (
                known.select(*FIT, last_cycle, "has_consented")
                .join(subscribers.select("customer", "region"), on="customer", how="inner")
                .join(plans, on="plan", how="left")
                .join(planted(lake, period, settings), on="customer", how="inner")
                .toPandas()
            )
            given = recommendations(known, called, rules, settings)
            told = given.select("customer", "kind", "category", "may_approach").toPandas()
        used = used_categories(trends, rules, settings).toPandas()
    needed = (fits["planted_utilisation"] * fits["volume_gigabytes"]).to_numpy(float)
    fits["ideal_plan"] = ideal_plans(needed, plans.toPandas(), UTILISATION_LIMIT)
    rising = planted_rising(lake, period.as_of, settings).toPandas()
    judged = fits.loc[fits["untold_reason"].isna(), "customer"]
    return Frozen(fits, told, service_pairs(judged, rules, told[told["kind"] == SERVICE], used, rising))


def used_categories(trends: DataFrame, rules: Rules, settings: AdviceSettings) -> DataFrame:
    """What is seen of each customer's use of the categories of the rules.

    Returns:
        ``customer``, ``category``, ``rise`` (confidence of the trend where it rises, else 0) and ``is_held`` (it
        carries ``basket_share`` of the recent bytes).
    """
    of_rules = F.col("category").isin([rule.category for rule in rules.rules])
    is_rising = F.col("direction") == "rising"
    return trends.where((F.col("scope_kind") == CUSTOMER) & of_rules).select(
        F.col("scope").alias("customer"),
        "category",
        F.when(is_rising, F.col("confidence")).otherwise(0.0).alias("rise"),
        F.coalesce(F.col("recent_share") >= settings.basket_share, F.expr("false")).alias("is_held"),
    )


def service_pairs(
    customers: pd.Series, rules: Rules, services: pd.DataFrame, used: pd.DataFrame, rising: pd.DataFrame
) -> pd.DataFrame:
    """Each of ``customers`` with each category of the rules: what was found, recommended and planted; see ``Frozen``.

    Args:
        customers: those with enough history.
        rules: the reviewed rules.
        services: ``customer`` and ``category`` of the services recommended.
        used: what ``used_categories`` returns.
        rising: what ``planted_rising`` returns.
    """
    key = ["customer", "category"]
    categories = pd.DataFrame({"category": sorted({rule.category for rule in rules.rules})})
    pairs = customers.to_frame("customer").merge(categories, how="cross")
    pairs = pairs.merge(used, on=key, how="left").merge(rising, on=key, how="left")
    offered = services[key].drop_duplicates().assign(is_offered=True)
    pairs = pairs.merge(offered, on=key, how="left")
    flags = {name: pairs[name].eq(other=True) for name in ("is_held", "is_rising", "is_offered")}
    return pairs.assign(rise=pairs["rise"].fillna(0.0), **flags)


def planted(lake: Lake, period: Period, settings: AdviceSettings) -> DataFrame:
    """What was planted for each customer, as of a day.

    Returns:
        ``customer``, ``segment``, ``planted_utilisation`` and ``is_needing`` (of the week before ``as_of``),
        ``needs_upsize`` (at the end) and ``is_flat``: steady use, no trend of any category in the cycles looked at, no
        need.
    """
    as_of = period.as_of
    weeks = lake.read(TRUTH_CUSTOMER_WEEKS).where(F.col("week_start") < F.lit(as_of))
    using = weeks.groupBy("customer").agg(F.max_by("utilisation", "week").alias("planted_utilisation"))
    is_trend = (F.col("slope_per_week") != 0) & lasts(as_of, settings.cycles * settings.cycle_days)
    trending = lake.read(TRUTH_CUSTOMER_CATEGORIES).groupBy("customer").agg(F.max(is_trend).alias("is_trending"))
    is_needing = F.col("planted_utilisation") > UTILISATION_LIMIT
    is_flat = (F.col("plan_fit") == "steady") & ~F.col("is_trending") & ~is_needing
    customers = lake.read(TRUTH_CUSTOMERS).select("customer", "segment", "plan_fit", "needs_upsize")
    return (
        customers.join(using, on="customer", how="inner")
        .join(trending, on="customer", how="left")
        .select(
            "customer",
            "segment",
            "planted_utilisation",
            is_needing.alias("is_needing"),
            "needs_upsize",
            F.coalesce(is_flat, F.expr("false")).alias("is_flat"),
        )
    )


def planted_rising(lake: Lake, as_of: date, settings: AdviceSettings) -> DataFrame:
    """``customer`` and ``category`` of trends planted as rising in the recent weeks, with ``is_rising`` true."""
    is_rising = (F.col("trend") == "rising") & lasts(as_of, settings.recent_weeks * WEEK_DAYS)
    rows = lake.read(TRUTH_CUSTOMER_CATEGORIES).where(is_rising)
    return rows.select("customer", "category", F.expr("true").alias("is_rising"))


def lasts(as_of: date, days: int) -> Column:
    """Whether a planted trend lies, in part at least, in the ``days`` before ``as_of``."""
    return (F.col("trend_from") < F.lit(as_of)) & (F.col("trend_until") > F.lit(as_of - timedelta(days=days)))
