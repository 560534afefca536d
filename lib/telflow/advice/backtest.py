"""Back-test on a simulation: freeze at a date, recommend from what was known by then, look at what was planted.

The planted need for a larger plan is that of the week before the freeze: expected volume of a cycle above
``utilisation_limit`` of the plan. ``needs_upsize``, as it stands at the end of the simulation, is looked at as well;
frozen earlier, that is a forecast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Final

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import Period, micro_trends
from telflow.advice.plan_fit import UP, customer_use, plan_fit
from telflow.advice.recommendations import NO_CHANGE, SERVICE, recommendations, with_standing
from telflow.advice.standing import peers_of, standing, subscribed
from telflow.advice.steps import period_of, reviewed_rules
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import Settings
from telflow.tables import (
    CUSTOMER_DAILY,
    PLANS,
    TRUTH_CUSTOMER_CATEGORIES,
    TRUTH_CUSTOMER_WEEKS,
    TRUTH_CUSTOMERS,
)
from telflow.tracking import log_source, log_values, open_experiment

TARGET: Final = "advice"
OURS, POPULAR, USED = "advice", "most_popular", "utilisation_only"
RANKINGS: Final = (OURS, POPULAR, USED)
SHARES: Final = (0.05, 0.1, 0.2)
GROUPS: Final = ("plan", "region", "segment")

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Hits:
    """How well a choice of customers meets the need.

    Attributes:
        chosen: customers chosen.
        precision: part of them in need; None where nobody is chosen.
        recall: part of those in need who are chosen; None where nobody is.
    """

    chosen: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class BacktestReport:
    """What a back-test found; all of it synthetic.

    Attributes:
        as_of: the freeze.
        customers: subscribers with enough history to be advised.
        untold: subscribers without.
        needing: of ``customers``, those with a planted need for a larger plan.
        upsize: the advice to go up at the default threshold.
        approached: the same, without those that offers of more are held back from.
        same_size: each baseline, given as many customers as ``upsize``.
        at_end: ``upsize`` against ``needs_upsize``, the need at the end of the simulation.
        flat_customers: customers for whom nothing is planted: steady, no trend, a plan that is large enough.
        flat_advised: part of them who get anything but no change.
        services: part of the services recommended whose category's trend was planted as rising.
        metrics: all of it, and more, as logged.
        fairness: by plan, region and planted segment: customers, part in need, part advised, precision, recall.
        run_id: the run in MLflow.
    """

    as_of: date
    customers: int
    untold: int
    needing: int
    upsize: Hits
    approached: Hits
    same_size: Mapping[str, Hits]
    at_end: Hits
    flat_customers: int
    flat_advised: float | None
    services: float | None
    metrics: Mapping[str, float | None]
    fairness: pd.DataFrame
    run_id: str


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
    judged, advised = frozen(lake, settings, period)
    told = judged[judged["untold_reason"].isna()].reset_index(drop=True)
    open_experiment(settings.mlflow, TARGET)
    with mlflow.start_run(run_name=f"back-test as of {period.as_of}") as run:
        log_source(lake, CUSTOMER_DAILY, TRUTH_CUSTOMERS)
        mlflow.log_params({"as_of": str(period.as_of), **settings.advice.model_dump(exclude={"rules"})})
        report = judge(period.as_of, told, len(judged) - len(told), advised, run.info.run_id)
        log_values(dict(report.metrics))
        mlflow.log_text(report.fairness.to_csv(index=False), "fairness.csv")
    return report


def frozen(lake: Lake, settings: Settings, period: Period) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Advice of a date beside the truth: a row for each subscriber, and a row for each recommendation.

    A simulation's customers fit the driver: there is no truth of others.
    """
    chosen, as_of = settings.advice, period.as_of
    subscribers = subscribed(lake, as_of)
    peers = peers_of(lake, subscribers, as_of)
    daily = lake.read(CUSTOMER_DAILY)
    trends = micro_trends(daily, peers, period, chosen).persist()
    used = customer_use(daily, period, chosen)
    plans = lake.read(PLANS)
    fit = plan_fit(subscribers, plans, trends, used, chosen).withColumn("as_of", F.lit(as_of)).persist()
    try:
        stands = standing(lake, subscribers, peers, as_of, chosen.complaint_days)
        known = with_standing(fit, stands, chosen).persist()
        given = recommendations(known, trends, reviewed_rules(settings), chosen)
        advised = given.select("customer", "kind", "category", "is_suppressed").toPandas()
        known.unpersist()
        columns = ["customer", "plan", "utilisation", "upsize_confidence", "advice", "suggested_plan", "untold_reason"]
        truth = truth_on(lake, as_of, chosen.utilisation_limit)
        judged = (
            fit.select(*columns, F.element_at("cycle_gigabytes", -1).alias("cycle"))
            .join(subscribers.select("customer", "region"), on="customer", how="inner")
            .join(plans.select("plan", "monthly_price", "volume_gigabytes"), on="plan", how="left")
            .join(truth, on="customer", how="inner")
            .toPandas()
        )
        rising = planted_rising(lake, as_of).toPandas()
    finally:
        trends.unpersist()
        fit.unpersist()
    return judged.sort_values("customer", ignore_index=True), advised.merge(
        rising, on=["customer", "category"], how="left"
    )


def truth_on(lake: Lake, as_of: date, limit: float) -> DataFrame:
    """What was planted for each customer, as of a day.

    Returns:
        ``customer``, ``segment``, ``ideal_plan``, ``is_needing`` (of the week before ``as_of``), ``needs_upsize`` (at
        the end) and ``is_flat``: steady use, no trend of any category so far, no need.
    """
    weeks = lake.read(TRUTH_CUSTOMER_WEEKS).where(F.col("week_start") < F.lit(as_of))
    needs = weeks.groupBy("customer").agg((F.max_by("utilisation", "week") > limit).alias("is_needing"))
    has_begun = (F.col("slope_per_week") != 0) & (F.col("trend_from") < F.lit(as_of))
    trending = lake.read(TRUTH_CUSTOMER_CATEGORIES).groupBy("customer").agg(F.max(has_begun).alias("is_trending"))
    joined = (
        lake.read(TRUTH_CUSTOMERS).join(needs, on="customer", how="inner").join(trending, on="customer", how="left")
    )
    is_flat = (F.col("plan_fit") == "steady") & ~F.col("is_trending") & ~F.col("is_needing")
    return joined.select(
        "customer",
        "segment",
        "ideal_plan",
        "is_needing",
        "needs_upsize",
        F.coalesce(is_flat, F.expr("false")).alias("is_flat"),
    )


def planted_rising(lake: Lake, as_of: date) -> DataFrame:
    """``customer`` and ``category`` of trends planted as rising that had begun, with ``is_rising`` true."""
    is_rising = (F.col("trend") == "rising") & (F.col("trend_from") < F.lit(as_of))
    rows = lake.read(TRUTH_CUSTOMER_CATEGORIES).where(is_rising)
    return rows.select("customer", "category", F.expr("true").alias("is_rising"))


def judge(as_of: date, told: pd.DataFrame, untold: int, advised: pd.DataFrame, run_id: str) -> BacktestReport:
    """The report on frozen advice.

    Args:
        as_of: the freeze.
        told: what ``frozen`` tells of the subscribers with enough history.
        untold: subscribers without.
        advised: what ``frozen`` tells of the recommendations.
        run_id: run that it is logged under.
    """
    needs = told["is_needing"].to_numpy(bool)
    is_up = (told["advice"] == UP).to_numpy(bool)
    held_back = set(advised.loc[advised["is_suppressed"], "customer"])
    upsize = hits(is_up, needs)
    orders = rankings(told)
    same_size = {name: hits(first(orders[name], upsize.chosen), needs) for name in (POPULAR, USED)}
    offered = set(advised.loc[advised["kind"] != NO_CHANGE, "customer"])
    flat = told.loc[told["is_flat"].to_numpy(bool), "customer"]
    services = advised.loc[advised["kind"] == SERVICE, "is_rising"]
    report = BacktestReport(
        as_of=as_of,
        customers=len(told),
        untold=untold,
        needing=int(needs.sum()),
        upsize=upsize,
        approached=hits(is_up & ~told["customer"].isin(held_back).to_numpy(bool), needs),
        same_size=same_size,
        at_end=hits(is_up, told["needs_upsize"].to_numpy(bool)),
        flat_customers=len(flat),
        flat_advised=share(flat.isin(offered).to_numpy(bool)),
        services=share(services.notna().to_numpy(bool)),
        metrics={},
        fairness=fairness(told, is_up, needs),
        run_id=run_id,
    )
    right_plan = (told["suggested_plan"] == told["ideal_plan"]).to_numpy(bool)[is_up & needs]
    return with_metrics(report, orders, needs, share(right_plan))


def with_metrics(
    report: BacktestReport, orders: Mapping[str, npt.NDArray[np.int64]], needs: Booleans, right_plan: float | None
) -> BacktestReport:
    """``report`` with its metrics by name, precision and recall at k among them."""
    metrics: dict[str, float | None] = {
        "customers": report.customers,
        "untold": report.untold,
        "needing": report.needing,
        "flat_customers": report.flat_customers,
        "flat_advised": report.flat_advised,
        "service_precision": report.services,
        "right_plan_share": right_plan,
    }
    named = {"upsize": report.upsize, "approached": report.approached, "at_end": report.at_end}
    named |= {f"same_size_{name}": found for name, found in report.same_size.items()}
    for part in SHARES:
        size = max(round(part * report.customers), 1)
        named |= {
            f"at_{part:.0%}_{name}".replace("%", "pct"): hits(first(orders[name], size), needs) for name in RANKINGS
        }
    named |= {f"at_need_{name}": hits(first(orders[name], report.needing), needs) for name in RANKINGS}
    for name, found in named.items():
        metrics |= {
            f"{name}_precision": found.precision,
            f"{name}_recall": found.recall,
            f"{name}_chosen": found.chosen,
        }
    return replace(report, metrics=metrics)


def rankings(told: pd.DataFrame) -> dict[str, npt.NDArray[np.int64]]:
    """Places of the customers, those first who should go up first, by each way of ranking.

    Ours by confidence, then utilisation; the most popular by how many hold the next dearer plan; the last by the use of
    the plan's volume in the last billing cycle alone.
    """
    held = told["plan"].value_counts()
    prices = told.drop_duplicates("plan").sort_values("monthly_price")["plan"].tolist()
    following = dict(pairwise(prices))
    popularity = told["plan"].map(lambda plan: float(held.get(following.get(plan, ""), 0)))
    by_cycle = (told["cycle"] / told["volume_gigabytes"]).fillna(0.0)
    keys = {
        OURS: [told["upsize_confidence"].fillna(0.0), told["utilisation"].fillna(0.0)],
        POPULAR: [popularity],
        USED: [by_cycle],
    }
    return {name: np.lexsort([-key.to_numpy(float) for key in reversed(by)]) for name, by in keys.items()}


def first(order: npt.NDArray[np.int64], count: int) -> Booleans:
    """True for the first ``count`` of ``order``."""
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[:count]] = True
    return chosen


def hits(chosen: Booleans, needs: Booleans) -> Hits:
    """How well ``chosen`` meets ``needs``."""
    return Hits(int(chosen.sum()), share(needs[chosen]), share(chosen[needs]))


def share(values: Booleans) -> float | None:
    """Part of ``values`` that is true; None where there are none."""
    return float(values.mean()) if len(values) else None


def fairness(told: pd.DataFrame, is_up: Booleans, needs: Booleans) -> pd.DataFrame:
    """How the advice to go up treats each plan, region and planted segment.

    Returns:
        ``by``, ``group``, ``customers``, ``needing_share``, ``advised_share``, ``precision`` and ``recall``.
    """
    rows = []
    for by in GROUPS:
        for group in sorted(told[by].unique()):
            inside = (told[by] == group).to_numpy(bool)
            found = hits(is_up[inside], needs[inside])
            shares = (share(needs[inside]), share(is_up[inside]), found.precision, found.recall)
            rows.append((by, group, int(inside.sum()), *shares))
    return pd.DataFrame(
        rows, columns=["by", "group", "customers", "needing_share", "advised_share", "precision", "recall"]
    )
