"""The distribution of the probabilities to leave, beside that of an earlier date where it is asked for."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.figures.churn import Before, distribution_figure
from telflow.dashboard.page import View
from telflow.dashboard.pages.earlier import Earlier, earlier_customers
from telflow.dashboard.queries import churn
from telflow.dashboard.queries.everybody import MEMBERS, OTHERS, Everybody, with_groups
from telflow.dashboard.relations import CHURN_SCORES
from telflow.privacy.suppression import SUPPRESSED, blank

EDGES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Distribution:
    """What may be told of the probabilities of a date.

    Attributes:
        customers: who was scored.
        at_risk: how many of them are; None where that tells of few.
        threshold: probability from which on one is at risk.
        version: of the model.
        bars: ``name``, ``is_at_risk``, ``customers`` (null where it tells of few) and ``is_suppressed``.
    """

    customers: int
    at_risk: int | None
    threshold: float
    version: str
    bars: pl.DataFrame

    @property
    def hidden(self) -> int:
        """How many bars tell of too few."""
        return int(self.bars.get_column(SUPPRESSED).sum())


def everybody_with_probability(view: View, as_of: date) -> Everybody:
    """Customers that were scored, those that the filters choose among them."""
    scored = with_groups(view.reader, churn.probabilities(view.reader, as_of), as_of)
    return Everybody(scored, view.groups, view.minimum)


def distribution_cards(everybody: Everybody, as_of: date, view: View) -> list[Component]:
    """How many have which probability, now and then where that is asked for, or words why there is no then."""
    now = distribution_of(everybody)
    text, note = told_now(now), f"Subscribers by probability to leave as of {units.day(as_of)}"
    before, why = None, []
    if view.filters.compare:
        earlier = earlier_customers(view, CHURN_SCORES, as_of, everybody_with_probability)
        if isinstance(earlier, Earlier):
            then, day = distribution_of(earlier.everybody), units.day(earlier.as_of)
            text, note = f"{text} {told_then(now, then, day)}", f"{note}, beside {day}"
            before = Before(day, then.bars)
        else:
            why = [components.words("There is nothing to compare with", earlier, "missing")]
    figure = distribution_figure(now.bars, view.look, before)
    return [
        components.chart("Distribution of the probabilities", figure, text, "churn-bins", note=note, span=6),
        *why,
    ]


def distribution_of(everybody: Everybody) -> Distribution:
    """How many of those chosen have which probability, and what of it may be told."""
    found = everybody.own
    threshold = float(found.item(0, "threshold"))
    counted = bins(found.get_column("probability"), threshold)
    cube = everybody.cube(everybody.base.select("customer", bin_of(threshold).alias("label")))
    flags = [everybody.tells_of_few(cube, name) for name in counted.get_column("name").to_list()]
    risky = everybody.members(everybody.base.filter("is_at_risk"))
    is_hidden = any(flags) or any(everybody.tells_of_few(risky, side) for side in (MEMBERS, OTHERS))
    return Distribution(
        customers=found.height,
        at_risk=None if is_hidden else int(found.get_column("is_at_risk").sum()),
        threshold=threshold,
        version=found.item(0, "version"),
        bars=blank(counted, flags, ["customers"]),
    )


def told_now(now: Distribution) -> str:
    """The date that is shown, in words."""
    text = f"{units.count(now.customers)} subscribers were scored by version {now.version}."
    if now.at_risk is not None:
        text += f" {units.count(now.at_risk)} are at risk, at {units.share(now.threshold)} or above."
    return text + (f" {now.hidden} bars are hidden: they tell of too few." if now.hidden else "")


def told_then(now: Distribution, then: Distribution, day: str) -> str:
    """The earlier date in words, and how many more or fewer are at risk since."""
    text = f"As of {day} {units.count(then.customers)} were scored by version {then.version}."
    if then.at_risk is None:
        text += " How many were at risk would tell of too few."
    else:
        text += f" {units.count(then.at_risk)} were at risk, at {units.share(then.threshold)} or above"
        change = units.change(now.at_risk, then.at_risk) if now.threshold == then.threshold else None
        text += "." if change is None else f": {units.signed_share(change)} since then."
    text += f" {then.hidden} bars of then are hidden." if then.hidden else ""
    is_same = then.bars.get_column("name").equals(now.bars.get_column("name"))
    return text if is_same else f"{text} Bars of then that end elsewhere, at its threshold, are left out."


def bins(probabilities: pl.Series, threshold: float) -> pl.DataFrame:
    """Customers by probability: ``name``, ``is_at_risk``, ``customers``; one edge is the threshold."""
    names = pl.DataFrame(
        [(bar_name(low, high), low >= threshold) for low, high in edges(threshold)],
        schema={"name": pl.String, "is_at_risk": pl.Boolean},
        orient="row",
    )
    counts = probabilities.to_frame("probability").group_by(bin_of(threshold).alias("name")).len("customers")
    joined = names.join(counts, on="name", how="left", maintain_order="left")
    return joined.with_columns(pl.col("customers").fill_null(0).cast(pl.Int64))


def edges(threshold: float) -> list[tuple[float, float]]:
    """Lowest and highest probability of each bar; the highest belongs to the next one."""
    return list(pairwise(sorted({*EDGES, threshold})))


def bin_of(threshold: float) -> pl.Expr:
    """Name of the bar that a ``probability`` stands in."""
    pairs = edges(threshold)
    inner = [low for low, _ in pairs[1:]]
    names = [bar_name(low, high) for low, high in pairs]
    return pl.col("probability").cut(inner, labels=names, left_closed=True).cast(pl.String)


def bar_name(low: float, high: float) -> str:
    return f"{low * 100:.3g} to {high * 100:.3g} %"
