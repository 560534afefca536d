"""What a back-test makes of frozen advice and the planted truth: hits, baselines, intervals, fairness.

All of it is computed on the driver: the customers of a simulation fit there, and there is no truth of others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from telflow.advice.plan_fit import UP
from telflow.advice.recommendations import NO_CHANGE, PLAN_UP

OURS, POPULAR, USED, MOST_HELD = "advice", "most_popular", "utilisation_only", "most_held"
BASELINES: Final = (POPULAR, USED)
SHARES: Final = (0.05, 0.1, 0.2)
GROUPS: Final = ("plan", "region", "segment")
FAIRNESS: Final = (
    *("by", "group", "customers", "needing_share", "advised_share", "offered_share"),
    *("precision", "recall"),
)
DRAWS: Final = 1000
SEED: Final = 1
LIMITS: Final = (0.025, 0.975)

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]
Orders = Mapping[str, Sequence[Floats]]


@dataclass(frozen=True)
class Frozen:
    """Advice of a date beside the truth.

    Attributes:
        fits: a row for each subscriber.
        given: a row for each recommendation.
        pairs: a row for each subscriber with enough history and category of the rules: ``customer``, ``category``,
            ``is_offered`` (a service is recommended by it), ``rise`` (confidence of a trend found as rising, else 0),
            ``is_held`` (among what the customer uses) and ``is_rising`` (planted so in the recent weeks).
    """

    fits: pd.DataFrame
    given: pd.DataFrame
    pairs: pd.DataFrame


@dataclass(frozen=True)
class Hits:
    """How well a choice meets the need.

    Attributes:
        chosen: customers chosen, or pairs of customer and category.
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
        services: the services recommended, against the rises planted in the recent weeks in categories of the rules,
            be they as small as they may.
        most_held: as many pairs of customer and category, those of the categories that most customers hold.
        metrics: all of it, and more, as logged.
        fairness: by plan, region and planted segment: what ``fairness`` returns.
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
    services: Hits
    most_held: Hits
    metrics: Mapping[str, float | None]
    fairness: pd.DataFrame
    run_id: str


@dataclass(frozen=True)
class Choices:
    """Whom each way chooses, one value for each customer judged.

    Attributes:
        is_needing: the planted need.
        is_up: advised to go up.
        is_offered: a larger plan is recommended, after suppression.
        is_approached: and may be come with.
        consents: to marketing.
        orders: what each way ranks by.
        baselines: of each baseline the part of each customer among as many as ``is_up`` holds.
    """

    is_needing: Booleans
    is_up: Booleans
    is_offered: Booleans
    is_approached: Booleans
    consents: Booleans
    orders: Orders
    baselines: Mapping[str, Floats]


def judge(as_of: date, frozen: Frozen, run_id: str) -> BacktestReport:
    """The report on frozen advice.

    Args:
        as_of: the freeze.
        frozen: what was advised, beside the truth.
        run_id: run that it is logged under.
    """
    is_told = frozen.fits["untold_reason"].isna()
    fits = frozen.fits[is_told].sort_values("customer", ignore_index=True)
    chosen = choices(fits, frozen.given)
    found = {**upsize_hits(chosen, truths(fits["needs_upsize"])), **service_hits(frozen.pairs)}
    intervals = intervals_of(chosen)
    flat = fits.loc[truths(fits["is_flat"]), "customer"]
    advised = frozen.given.loc[frozen.given["kind"] != NO_CHANGE, "customer"]
    values = {
        "customers": len(fits),
        "untold": len(frozen.fits) - len(fits),
        "needing": int(chosen.is_needing.sum()),
        "flat_customers": len(flat),
        "flat_advised": share(truths(flat.isin(advised))),
        "right_plan_share": right_plan_share(fits, chosen),
    }
    return BacktestReport(
        as_of=as_of,
        customers=len(fits),
        untold=len(frozen.fits) - len(fits),
        needing=int(chosen.is_needing.sum()),
        upsize=found["upsize"],
        precision=intervals["upsize_precision"],
        recall=intervals["upsize_recall"],
        offered=found["offered"],
        approached=found["approached"],
        same_size={name: found[f"same_size_{name}"] for name in BASELINES},
        leads={name: intervals[f"lead_over_{name}"] for name in BASELINES},
        at_end=found["at_end"],
        flat_customers=len(flat),
        flat_advised=values["flat_advised"],
        services=found["service"],
        most_held=found[f"service_same_size_{MOST_HELD}"],
        metrics={**values, **metrics_of(found), **limits_of(intervals)},
        fairness=fairness(fits, chosen),
        run_id=run_id,
    )


def choices(fits: pd.DataFrame, given: pd.DataFrame) -> Choices:
    """Whom each way chooses, among those whose plan is judged."""
    is_up, orders = truths(fits["advice"] == UP), rankings(fits)
    larger = given[given["kind"] == PLAN_UP]
    return Choices(
        is_needing=truths(fits["is_needing"]),
        is_up=is_up,
        is_offered=truths(fits["customer"].isin(larger["customer"])),
        is_approached=truths(fits["customer"].isin(larger.loc[truths(larger["may_approach"]), "customer"])),
        consents=truths(fits["has_consented"]),
        orders=orders,
        baselines={name: first(orders[name], int(is_up.sum())) for name in BASELINES},
    )


def upsize_hits(chosen: Choices, needs_upsize: Booleans) -> dict[str, Hits]:
    """How the advice to go up, what is left of it, and the baselines meet the need, by name."""
    is_needing, consents = chosen.is_needing, chosen.consents
    return {
        "upsize": hits(chosen.is_up, is_needing),
        "offered": hits(chosen.is_offered, is_needing),
        "approached": hits(chosen.is_approached[consents], is_needing[consents]),
        "at_end": hits(chosen.is_up, needs_upsize),
        **{f"same_size_{name}": hits(part, is_needing) for name, part in chosen.baselines.items()},
        **at_k(chosen.orders, is_needing),
    }


def service_hits(pairs: pd.DataFrame) -> dict[str, Hits]:
    """How the services meet the planted rises, beside those of the most held categories, by name."""
    is_rising, is_offered = truths(pairs["is_rising"]), truths(pairs["is_offered"])
    holders = pairs["is_held"].groupby(pairs["category"]).transform("sum")
    orders: Orders = {
        OURS: [is_offered.astype(float), pairs["rise"].to_numpy(float)],
        MOST_HELD: [holders.to_numpy(float)],
    }
    same_size = first(orders[MOST_HELD], int(is_offered.sum()))
    return {
        "service": hits(is_offered, is_rising),
        f"service_same_size_{MOST_HELD}": hits(same_size, is_rising),
        **{f"service_{name}": found for name, found in at_k(orders, is_rising).items()},
    }


def intervals_of(chosen: Choices) -> dict[str, Interval | None]:
    """Intervals of precision, recall and the leads over the baselines, by name."""
    counts = resampled(len(chosen.is_needing))
    precision = part(counts, chosen.is_up, chosen.is_needing)
    leads = {name: precision - part(counts, other, chosen.is_needing) for name, other in chosen.baselines.items()}
    return {
        "upsize_precision": interval(precision),
        "upsize_recall": interval(part(counts, chosen.is_needing, chosen.is_up)),
        **{f"lead_over_{name}": interval(lead) for name, lead in leads.items()},
    }


def right_plan_share(fits: pd.DataFrame, chosen: Choices) -> float | None:
    """Part of those rightly advised to go up whose suggested plan is the ideal one; None where there are none."""
    is_right = truths(fits["suggested_plan"] == fits["ideal_plan"])
    return share(is_right[chosen.is_up & chosen.is_needing])


def ideal_plans(used_gigabytes: Floats, plans: pd.DataFrame, limit: float) -> list[str]:
    """The cheapest plan that keeps each of ``used_gigabytes`` within ``limit`` of its volume, else the largest.

    Args:
        used_gigabytes: volume of a cycle, as planted.
        plans: ``plan``, ``monthly_price`` and ``volume_gigabytes``, null for unlimited.
        limit: part of a volume, 0 to 1.
    """
    sold = plans.assign(volume=plans["volume_gigabytes"].astype(float).fillna(np.inf)).sort_values("monthly_price")
    holds = used_gigabytes[:, None] <= sold["volume"].to_numpy() * limit
    place = np.where(holds.any(axis=1), holds.argmax(axis=1), int(sold["volume"].to_numpy().argmax()))
    return [str(name) for name in sold["plan"].to_numpy()[place]]


def at_k(orders: Orders, is_needing: Booleans) -> dict[str, Hits]:
    """Each ranking's first ones: parts of all, and as many as are in need."""
    sizes = {f"{size * 100:.0f}pct": max(round(size * len(is_needing)), 1) for size in SHARES}
    sizes["need"] = int(is_needing.sum())
    return {
        f"at_{size}_{name}": hits(first(keys, count), is_needing)
        for size, count in sizes.items()
        for name, keys in orders.items()
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


def rankings(fits: pd.DataFrame) -> Orders:
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


def fairness(fits: pd.DataFrame, chosen: Choices) -> pd.DataFrame:
    """How the advice to go up, and what is left of it, treats each plan, region and planted segment.

    Returns:
        ``by``, ``group``, ``customers``, ``needing_share``, ``advised_share`` (before anything is held back),
        ``offered_share`` (of what is recommended), ``precision`` and ``recall`` of the advice.
    """
    rows = []
    for by in GROUPS:
        for group in sorted(fits[by].unique()):
            inside = truths(fits[by] == group)
            found = hits(chosen.is_up[inside], chosen.is_needing[inside])
            shares = [share(each[inside]) for each in (chosen.is_needing, chosen.is_up, chosen.is_offered)]
            rows.append((by, group, int(inside.sum()), *shares, found.precision, found.recall))
    return pd.DataFrame(rows, columns=FAIRNESS)
