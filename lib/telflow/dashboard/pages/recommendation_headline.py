"""The headline of the recommendations: how many get what, beside an earlier date where that is asked for."""

from dataclasses import dataclass
from datetime import date

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.page import View
from telflow.dashboard.pages.earlier import Earlier, earlier_customers
from telflow.dashboard.pages.recommendation_list import with_effect
from telflow.dashboard.queries import recommendations
from telflow.dashboard.queries.everybody import Everybody
from telflow.dashboard.queries.recommendations import MAY_OFFER, NO_CHANGE, OFFER
from telflow.dashboard.relations import RECOMMENDATIONS


@dataclass(frozen=True)
class Headline:
    """Customers of a date by what they get; None of what tells of few.

    Attributes:
        as_of: the date.
        customers: who is looked at.
        reached: with an offer.
        may_approach: with an offer that one may come with, by the consent as it is now.
        effect: price difference by confidence of who may be approached, a month.
        no_change: all is well as it is.
        without: too little is known of them.
    """

    as_of: date
    customers: int
    reached: int | None
    may_approach: int | None
    effect: float | None
    no_change: int | None
    without: int | None


def everybody_looked_at(view: View, as_of: date) -> Everybody:
    """Customers that recommendations were thought of for, those that the filters choose among them."""
    return Everybody(recommendations.base_of(view.reader, as_of), view.groups, view.minimum)


def headline_of(everybody: Everybody, of_date: pl.DataFrame, as_of: date) -> Headline:
    """The numbers of the date ``as_of``, of which ``of_date`` is every recommendation."""
    base, labels = everybody.own, recommendations.outcomes(everybody.base, of_date)
    cube, own = everybody.cube(labels), labels.join(base, on="customer", how="semi").get_column("label")
    others = [label for label in own.unique() if label not in (MAY_OFFER, OFFER, NO_CHANGE)]

    def told(*labels: str) -> int | None:
        is_few = bool(labels) and everybody.tells_of_few(cube, *labels)
        return None if is_few else int(own.is_in(list(labels)).sum())

    may_approach = told(MAY_OFFER)
    may = of_date.filter((pl.col("kind") != NO_CHANGE) & pl.col("may_approach"))
    effect = with_effect(may.join(base, on="customer", how="semi")).get_column("effect").sum()
    return Headline(
        as_of,
        customers=base.height,
        reached=told(MAY_OFFER, OFFER),
        may_approach=may_approach,
        effect=None if may_approach is None else float(effect),
        no_change=told(NO_CHANGE),
        without=told(*others),
    )


def headline_cards(view: View, everybody: Everybody, of_date: pl.DataFrame, as_of: date) -> list[Component]:
    """Tiles of ``as_of``, with the change since the earlier date where it is asked for, or words why there is none."""
    now = headline_of(everybody, of_date, as_of)
    earlier = earlier_customers(view, RECOMMENDATIONS, as_of, everybody_looked_at) if view.filters.compare else None
    if not isinstance(earlier, Earlier):
        why = [components.words("There is nothing to compare with", earlier, "missing")] if earlier else []
        return [components.tiles(*headline_tiles(now, None, view.minimum)), *why]
    then = headline_of(earlier.everybody, recommendations.recommended(view.reader, earlier.as_of), earlier.as_of)
    return [components.tiles(*headline_tiles(now, then, view.minimum))]


def headline_tiles(now: Headline, then: Headline | None, minimum: int) -> list[Component]:
    """Customers with something to come with, those one may approach, and what it would change."""
    share = f"too few, or all but too few, below {minimum}"
    if now.reached is not None:
        share = units.share(now.reached / now.customers)
    effect = "a month: price difference by confidence, of who may be approached"
    if then is not None:  # in money: a sum with a sign has no share to grow by
        effect += f"; was {signed(then.effect)}"

    def counted(label: str, name: str, note: str) -> Component:
        value = getattr(now, name)
        if then is None:
            return components.tile(label, units.count(value), note)
        change = units.change(value, getattr(then, name))
        return components.tile(
            label, units.count(value), note, change, compared=True, since=f"since {units.day(then.as_of)}"
        )

    return [
        counted("Customers", "customers", f"looked at as of {now.as_of}"),
        counted("With an offer", "reached", share),
        counted("May be approached", "may_approach", "with an offer: consent, or none needed"),
        components.tile("Expected effect", signed(now.effect), effect),
        counted("No change", "no_change", "all is well as it is"),
        counted("Without any", "without", "too little is known: see below"),
    ]


def signed(value: float | None) -> str:
    """An amount of money with its sign; hidden where there is none."""
    return units.HIDDEN if value is None else f"{value:+,.0f}".replace("-", units.MINUS)
