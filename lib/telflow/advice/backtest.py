"""Back-test on a simulation: freeze at a date, recommend from what was known by then, look at what was planted.

The planted need for a larger plan is that of the week before the freeze: expected volume of a cycle above the limit
that the simulation plants by, whatever the advice takes for one. ``needs_upsize``, as it stands at the end of the
simulation, is looked at as well; frozen earlier, that is a forecast.

Of the tables, churn scores may be of a model that was trained after the freeze: they hold offers back, no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import WEEK_DAYS, Period, micro_trends
from telflow.advice.plan_fit import UP
from telflow.advice.recommendations import NO_CHANGE, PLAN_UP, SERVICE, needs, recommendations, with_standing
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
OURS, POPULAR, USED = "advice", "most_popular", "utilisation_only"
RANKINGS: Final = (OURS, POPULAR, USED)
SHARES: Final = (0.05, 0.1, 0.2)
GROUPS: Final = ("plan", "region", "segment")
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
DRAWS: Final = 1000
SEED: Final = 1
LIMITS: Final = (0.025, 0.975)

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]


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
    """What a back-test found; all of it synthetic. Intervals hold 95 %, by bootstrap over the customers.

    Attributes:
        as_of: the freeze.
        customers: subscribers whose plan is judged.
        untold: subscribers without enough history for that.
        needing: of ``customers``, those with a planted need for a larger plan.
        upsize: the advice to go up at the default threshold, before anything is held back.
        precision, recall: intervals of these two of ``upsize``; None where they have no value.
        offered: the larger plans that stand among the recommendations.
        approached: those of them whom the customer's consent lets be made, against the need of those who consent.
        same_size: each baseline, given as many customers as ``upsize``.
        leads: interval of the precision of ``upsize`` less that of each baseline.
        at_end: ``upsize`` against ``needs_upsize``, the need at the end of the simulation.
        flat_customers: customers for whom nothing is planted: steady, no trend in the weeks looked at, no need.
        flat_advised: part of them who get anything but no change.
        services: part of the services recommended whose category's trend is planted as rising in the recent weeks.
        metrics: all of it, and more, as logged.
        fairness: by plan, region and planted segment: customers, part in need, part advised, precision, recall.
        run_id: the run in MLflow.
    """

    as_of: date
    customers: int
    untold: int
    needing: int
    upsize: Hits
    precision: Interval | None
    recall: Interval | None
    offered: Hits
    approached: Hits
    same_size: Mapping[str, Hits]
    leads: Mapping[str, Interval | None]
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


@dataclass(frozen=True)
class Frozen:
    """Advice of a date beside the truth.

    Attributes:
        fits: a row for each subscriber.
        given: a row for each recommendation.
    """

    fits: pd.DataFrame
    given: pd.DataFrame


def freeze(lake: Lake, settings: AdviceSettings, rules: Rules, period: Period) -> Frozen:
    """The advice as on ``period.as_of``. A simulation's customers fit the driver: there is no truth of others."""
    daily, plans = lake.read(CUSTOMER_DAILY), lake.read(PLANS)
    subscribers = subscribed(lake, period.as_of)
    peers = peers_of(lake, subscribers.transform(with_plan_seen, daily, period, settings), period.as_of)
    columns = ["customer", "plan", "utilisation", "upsize_confidence", "advice", "suggested_plan", "untold_reason"]
    last_cycle = F.get(F.reverse("cycle_gigabytes"), F.lit(0)).alias("cycle")
    with kept(micro_trends(daily, peers, period, settings)) as trends:
        basis = basis_of(lake, daily, trends, period, settings)
        called = needs(trends, rules, settings)
        with kept(with_standing(basis.fit, basis.standing, called, settings)) as known:
            fits = (
                known.select(*columns, last_cycle, "has_consented")
                .join(subscribers.select("customer", "region"), on="customer", how="inner")
                .join(plans.select("plan", "monthly_price", "volume_gigabytes"), on="plan", how="left")
                .join(planted(lake, period, settings), on="customer", how="inner")
                .toPandas()
            )
            given = recommendations(known, called, rules, settings)
            told = given.select("customer", "kind", "category", "may_approach").toPandas()
    rising = planted_rising(lake, period.as_of, settings).toPandas()
    return Frozen(fits, told.merge(rising, on=["customer", "category"], how="left"))


def planted(lake: Lake, period: Period, settings: AdviceSettings) -> DataFrame:
    """What was planted for each customer, as of a day.

    Returns:
        ``customer``, ``segment``, ``ideal_plan``, ``is_needing`` (of the week before ``as_of``), ``needs_upsize`` (at
        the end) and ``is_flat``: steady use, no trend of any category in the cycles looked at, no need.
    """
    as_of = period.as_of
    weeks = lake.read(TRUTH_CUSTOMER_WEEKS).where(F.col("week_start") < F.lit(as_of))
    is_needing = F.max_by("utilisation", "week") > UTILISATION_LIMIT
    needing = weeks.groupBy("customer").agg(is_needing.alias("is_needing"))
    is_trend = (F.col("slope_per_week") != 0) & lasts(as_of, settings.cycles * settings.cycle_days)
    trending = lake.read(TRUTH_CUSTOMER_CATEGORIES).groupBy("customer").agg(F.max(is_trend).alias("is_trending"))
    customers = lake.read(TRUTH_CUSTOMERS).join(needing, on="customer", how="inner")
    is_flat = (F.col("plan_fit") == "steady") & ~F.col("is_trending") & ~F.col("is_needing")
    return customers.join(trending, on="customer", how="left").select(
        "customer",
        "segment",
        "ideal_plan",
        "is_needing",
        "needs_upsize",
        F.coalesce(is_flat, F.expr("false")).alias("is_flat"),
    )


def planted_rising(lake: Lake, as_of: date, settings: AdviceSettings) -> DataFrame:
    """``customer`` and ``category`` of trends planted as rising in the recent weeks, with ``is_rising`` true."""
    is_rising = (F.col("trend") == "rising") & lasts(as_of, settings.recent_weeks * WEEK_DAYS)
    rows = lake.read(TRUTH_CUSTOMER_CATEGORIES).where(is_rising)
    return rows.select("customer", "category", F.expr("true").alias("is_rising"))


def lasts(as_of: date, days: int) -> Column:
    """Whether a planted trend lies, in part at least, in the ``days`` before ``as_of``."""
    return (F.col("trend_from") < F.lit(as_of)) & (F.col("trend_until") > F.lit(as_of - timedelta(days=days)))


def judge(as_of: date, frozen: Frozen, run_id: str) -> BacktestReport:
    """The report on frozen advice.

    Args:
        as_of: the freeze.
        frozen: what ``freeze`` returns.
        run_id: run that it is logged under.
    """
    given = frozen.given
    is_told = frozen.fits["untold_reason"].isna()
    fits = frozen.fits[is_told].sort_values("customer", ignore_index=True)
    is_needing = truths(fits["is_needing"])
    is_up = truths(fits["advice"] == UP)
    upsize, orders = hits(is_up, is_needing), rankings(fits)
    baselines = {name: first(orders[name], upsize.chosen) for name in (POPULAR, USED)}
    larger = given[given["kind"] == PLAN_UP]
    consents = truths(fits["has_consented"])
    is_approached = truths(fits["customer"].isin(larger.loc[truths(larger["may_approach"]), "customer"]))
    flat = fits.loc[truths(fits["is_flat"]), "customer"]
    services = given.loc[given["kind"] == SERVICE, "is_rising"]
    right_plan = truths(fits["suggested_plan"] == fits["ideal_plan"])[is_up & is_needing]
    counts = resampled(len(fits))
    found = {
        "upsize": upsize,
        "offered": hits(truths(fits["customer"].isin(larger["customer"])), is_needing),
        "approached": hits(is_approached[consents], is_needing[consents]),
        "at_end": hits(is_up, truths(fits["needs_upsize"])),
        **{f"same_size_{name}": hits(chosen, is_needing) for name, chosen in baselines.items()},
    }
    values = {
        "customers": len(fits),
        "untold": len(frozen.fits) - len(fits),
        "needing": int(is_needing.sum()),
        "flat_customers": len(flat),
        "flat_advised": share(truths(flat.isin(given.loc[given["kind"] != NO_CHANGE, "customer"]))),
        "service_precision": share(truths(services.notna())),
        "right_plan_share": share(right_plan),
    }
    intervals = {
        "upsize_precision": interval(part(counts, is_up, is_needing)),
        "upsize_recall": interval(part(counts, is_needing, is_up)),
        **{
            f"lead_over_{name}": interval(part(counts, is_up, is_needing) - part(counts, chosen, is_needing))
            for name, chosen in baselines.items()
        },
    }
    return BacktestReport(
        as_of=as_of,
        customers=len(fits),
        untold=len(frozen.fits) - len(fits),
        needing=int(is_needing.sum()),
        upsize=upsize,
        precision=intervals["upsize_precision"],
        recall=intervals["upsize_recall"],
        offered=found["offered"],
        approached=found["approached"],
        same_size={name: found[f"same_size_{name}"] for name in baselines},
        leads={name: intervals[f"lead_over_{name}"] for name in baselines},
        at_end=found["at_end"],
        flat_customers=len(flat),
        flat_advised=values["flat_advised"],
        services=values["service_precision"],
        metrics={**values, **metrics_of({**found, **at_k(orders, is_needing)}), **limits_of(intervals)},
        fairness=fairness(fits, is_up, is_needing),
        run_id=run_id,
    )


def at_k(orders: Mapping[str, Sequence[Floats]], is_needing: Booleans) -> dict[str, Hits]:
    """Each ranking's first ones: parts of all customers, and as many as are in need."""
    sizes = {f"{size * 100:.0f}pct": max(round(size * len(is_needing)), 1) for size in SHARES}
    sizes["need"] = int(is_needing.sum())
    return {
        f"at_{size}_{name}": hits(first(orders[name], count), is_needing)
        for size, count in sizes.items()
        for name in RANKINGS
    }


def metrics_of(found: Mapping[str, Hits]) -> dict[str, float | None]:
    """Numbers of each of ``found``, by name."""
    return {
        f"{name}_{measure}": value
        for name, hit in found.items()
        for measure, value in (("precision", hit.precision), ("recall", hit.recall), ("chosen", hit.chosen))
    }


def limits_of(intervals: Mapping[str, Interval | None]) -> dict[str, float | None]:
    """Both limits of each interval, by name."""
    return {
        f"{name}_{end}": None if limits is None else limits[place]
        for name, limits in intervals.items()
        for place, end in enumerate(("low", "high"))
    }


def rankings(fits: pd.DataFrame) -> dict[str, list[Floats]]:
    """What customers are ranked by, the most first, in each way of ranking.

    Ours by confidence, then utilisation; the most popular by how many hold the next dearer plan; the last by the use of
    the plan's volume in the last billing cycle alone.
    """
    held = fits["plan"].value_counts()
    prices = fits.drop_duplicates("plan").sort_values("monthly_price")["plan"].tolist()
    following = dict(pairwise(prices))
    popularity = fits["plan"].map(lambda plan: float(held.get(following.get(plan, ""), 0)))
    by_cycle = fits["cycle"] / fits["volume_gigabytes"]
    by_name = {OURS: [fits["upsize_confidence"], fits["utilisation"]], POPULAR: [popularity], USED: [by_cycle]}
    return {name: [key.fillna(0.0).to_numpy(float) for key in keys] for name, keys in by_name.items()}


def first(keys: Sequence[Floats], count: int) -> Floats:
    """Which part of each customer is among the first ``count`` by ``keys``: equals share what is left for them."""
    _, group, sizes = np.unique(-np.stack(keys, axis=1), axis=0, return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    return np.asarray(np.clip((count - before) / sizes, 0.0, 1.0)[group.ravel()])


def hits(chosen: Booleans | Floats, is_needing: Booleans) -> Hits:
    """How well ``chosen``, of each customer the part that is, meets the need."""
    count, needing, met = float(chosen.sum()), int(is_needing.sum()), float(chosen[is_needing].sum())
    return Hits(round(count), met / count if count else None, met / needing if needing else None)


def resampled(customers: int) -> Floats:
    """How often each customer is drawn in each of DRAWS bootstrap samples."""
    if not customers:
        return np.zeros((DRAWS, 0))
    drawn = np.random.default_rng(SEED).multinomial(customers, np.full(customers, 1 / customers), size=DRAWS)
    return drawn.astype(float)


def part(counts: Floats, whole: Booleans | Floats, inside: Booleans) -> Floats:
    """Part of ``whole`` that is ``inside`` too, in each sample; not a number where a sample holds none."""
    with np.errstate(invalid="ignore"):
        return np.asarray((counts @ (whole * inside)) / (counts @ whole.astype(float)))


def interval(values: Floats) -> Interval | None:
    """What holds 95 % of ``values``; None where one of them is no number."""
    return (
        None
        if np.isnan(values).any()
        else (float(np.quantile(values, LIMITS[0])), float(np.quantile(values, LIMITS[1])))
    )


def share(values: Booleans) -> float | None:
    """Part of ``values`` that is true; None where there are none."""
    return float(values.mean()) if len(values) else None


def truths(values: pd.Series) -> Booleans:
    """``values`` as an array."""
    return values.to_numpy(bool)


def fairness(fits: pd.DataFrame, is_up: Booleans, is_needing: Booleans) -> pd.DataFrame:
    """How the advice to go up treats each plan, region and planted segment.

    Returns:
        ``by``, ``group``, ``customers``, ``needing_share``, ``advised_share``, ``precision`` and ``recall``.
    """
    rows = []
    for by in GROUPS:
        for group in sorted(fits[by].unique()):
            inside = truths(fits[by] == group)
            found = hits(is_up[inside], is_needing[inside])
            shares = (share(is_needing[inside]), share(is_up[inside]), found.precision, found.recall)
            rows.append((by, group, int(inside.sum()), *shares))
    return pd.DataFrame(
        rows, columns=["by", "group", "customers", "needing_share", "advised_share", "precision", "recall"]
    )
