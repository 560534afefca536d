"""Recommendations: what to come with to whom, why, and whether every group gets its part."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.recommendations import causes_figure, kinds_figure
from telflow.dashboard.filters import Filters, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.recommendation_fairness import fairness_cards
from telflow.dashboard.pages.recommendation_list import CAUSES, list_card, with_effect
from telflow.dashboard.queries import recommendations
from telflow.dashboard.queries.recommendations import KINDS, NO_CHANGE
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SEGMENTS, SUBSCRIBERS
from telflow.privacy.suppression import SUPPRESSED, guard, is_small, suppress, tells_of_few


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "zone": "Recommendations are made for the provider's own days.",
        "category": "Recommendations are for a customer as a whole.",
        "compare": "Recommendations are of one date: the newest, or the one that the chosen days end with.",
    }


def render(view: View) -> list[Component]:
    """Counts, the list, who gets how much, and who gets nothing."""
    until = date.max if view.filters.period is None else view.period.last + timedelta(days=1)
    as_of = recommendations.newest_date(view.reader, until)
    if as_of is None:
        told = "The table is there but empty: too little was known of every customer when it was written."
        return [components.words("No recommendations", told)]
    everybody = recommendations.base_of(view.reader, as_of)
    chosen = [view.filters.plans, view.filters.regions, view.filters.segments]
    if tells_of_few(recommendations.group_counts(everybody), chosen, view.minimum):
        return [components.too_small(view.minimum)]
    base = recommendations.chosen_of(everybody, view.filters)
    if not base.height:
        return [components.words("Nobody is chosen", "No customer has this plan, region and segment together.")]
    of_date = recommendations.recommended(view.reader, as_of)
    found = of_date.join(base.select("customer", "upsize_causes"), on="customer", how="inner", maintain_order="left")
    return [
        components.tiles(*headline(base, found, as_of, view.minimum)),
        kind_chips(view, found),
        kinds_card(found, view),
        causes_card(base, view),
        without_card(base, found, view.minimum),
        list_card(narrowed(found, view.filters), view),
        *fairness_cards(base, found, view),
    ]


def narrowed(found: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """``found`` of the kind, and of the customers that may be approached, where the address asks for it."""
    kind = filters.parameter("kind")
    kept = found.filter(pl.col("kind") == kind) if kind else found
    return kept.filter(pl.col("may_approach")) if filters.parameter("approach") else kept


def headline(base: pl.DataFrame, found: pl.DataFrame, as_of: date, minimum: int) -> list[Component]:
    """Customers with something to come with, those one may approach, and what it would change."""
    offers = found.filter(pl.col("kind") != NO_CHANGE)
    approachable = offers.filter(pl.col("may_approach"))
    effect = with_effect(approachable).get_column("effect").sum()
    reached, may_approach = people(offers), people(approachable)
    unchanged = people(found.filter(pl.col("kind") == NO_CHANGE))
    parts = [reached, unchanged, base.height - people(found)]
    told = [None if is_hidden else part for part, is_hidden in zip(parts, guard(parts, minimum).hidden, strict=True)]
    is_few = told[0] is None or is_small(may_approach, minimum) or is_small(reached - may_approach, minimum)
    share = (
        units.share(reached / base.height) if told[0] is not None else f"too few, or all but too few, below {minimum}"
    )
    return [
        components.tile("Customers", units.count(base.height), f"looked at as of {as_of}"),
        components.tile("With an offer", units.count(told[0]), share),
        components.tile(
            "May be approached", units.count(None if is_few else may_approach), "with an offer: consent, or none needed"
        ),
        components.tile(
            "Expected effect",
            units.HIDDEN if is_few else signed(float(effect)),
            "a month: price difference by confidence, of who may be approached",
        ),
        components.tile("No change", units.count(told[1]), "all is well as it is"),
        components.tile("Without any", units.count(told[2]), "too little is known: see below"),
    ]


def people(rows: pl.DataFrame) -> int:
    """Customers of ``rows``, each once."""
    return rows.get_column("customer").n_unique()


def signed(value: float) -> str:
    """An amount of money with its sign."""
    return f"{value:+,.0f}".replace("-", units.MINUS)


def kind_chips(view: View, found: pl.DataFrame) -> Component:
    """One kind or all, everybody or those alone who may be approached."""
    chosen, approach = view.filters.parameter("kind"), view.filters.parameter("approach")
    present = [kind for kind in KINDS if (found.get_column("kind") == kind).any()]

    def address(**given: str | None) -> str:
        return f"{PAGE.path}{format_query(view.filters.with_parameters(**given))}"

    links = [("All kinds", address(kind=None), chosen is None)]
    links += [(kind.capitalize(), address(kind=kind), chosen == kind) for kind in present]
    switch = None if approach else "yes"
    links.append(("Only who may be approached", address(approach=switch), bool(approach)))
    return components.chips("Show", links)


def kinds_card(found: pl.DataFrame, view: View) -> Component:
    """Customers by kind; a click on a bar shows that kind alone."""
    counts = (
        found.group_by("kind")
        .agg(
            pl.col("customer").n_unique().cast(pl.Int64).alias("customers"),
            pl.col("customer").filter(pl.col("may_approach")).n_unique().cast(pl.Int64).alias("approachable"),
        )
        .sort(["customers", "kind"], descending=[True, False])
    )
    told = told_kinds(counts, view.minimum)
    first = told.filter(~pl.col(SUPPRESSED)).head(1).to_dicts()
    hidden = int(told.get_column(SUPPRESSED).sum())
    text = f"Most are {first[0]['kind']}: {units.count(first[0]['customers'])} customers." if first else ""
    text += f" {hidden} are hidden, as fewer than {view.minimum} customers are of one of them." if hidden else ""
    note = "Customers with at least one of the kind; click a bar to list it alone"
    figure = kinds_figure(told, view.look)
    return components.chart("Kinds", figure, text.strip(), "recommendation-kinds", note=note, span=6, picks="kind")


def told_kinds(counts: pl.DataFrame, minimum: int) -> pl.DataFrame:
    """``counts`` (``kind``, ``customers``, ``approachable``) with what tells of few null: of those, or of the rest."""
    told = suppress(counts, "customers", minimum, ["approachable"])
    rest = pl.col("customers") - pl.col("approachable")
    is_few = pl.any_horizontal((one > 0) & (one < minimum) for one in (pl.col("approachable"), rest))
    return told.with_columns(pl.when(~is_few).then(pl.col("approachable")).alias("approachable"))


def causes_card(base: pl.DataFrame, view: View) -> Component:
    """What is too small of the plans that are."""
    title = "Why plans are too small"
    short = causes_of(base)
    if not short.height:
        return components.card(title, note="No plan is surely too small.", span=6)
    causes = short.group_by("cause").agg(pl.len().cast(pl.Int64).alias("customers"))
    named = causes.with_columns(pl.col("cause").replace(CAUSES)).sort(["customers", "cause"], descending=[True, False])
    told = suppress(named, "customers", view.minimum, [])
    shown = told.filter(~pl.col(SUPPRESSED))
    hidden = told.height - shown.height
    parts = [f"{row['cause']} {units.count(row['customers'])}" for row in shown.to_dicts()]
    text = f"{'; '.join(parts) or 'Too few for each cause to be shown'}."
    text += f" {hidden} are hidden, as fewer than {view.minimum} customers have one of them." if hidden else ""
    note = "Customers whose plan is too small, by what is short of it, also where no plan with more is sold"
    return components.chart(title, causes_figure(shown, view.look), text, "recommendation-causes", note=note, span=6)


def causes_of(base: pl.DataFrame) -> pl.DataFrame:
    """``customer`` and ``cause``: a row for each thing that is too small, whatever is advised about it."""
    if base.schema["upsize_causes"] != pl.List(pl.String):  # where nobody was looked at it has no type
        return base.clear().select("customer", pl.lit("").alias("cause"))
    return base.select("customer", pl.col("upsize_causes").alias("cause")).explode("cause").drop_nulls("cause")


def without_card(base: pl.DataFrame, found: pl.DataFrame, minimum: int) -> Component:
    """Who gets no recommendation at all, and why."""
    title = "Without a recommendation"
    nobody = base.join(found.select("customer").unique(), on="customer", how="anti")
    if not nobody.height:
        return components.card(title, note="Every customer has at least one, be it to stay as it is.")
    reason = pl.col("untold_reason").fill_null("not looked at").alias("reason")
    counts = nobody.group_by(reason).agg(pl.len().cast(pl.Int64).alias("customers")).sort("customers", descending=True)
    told = suppress(counts, "customers", minimum, [])
    columns = [column("reason", "Why", minWidth=200), column("customers", "Customers", "count", sort="desc")]
    table = components.grid(told.to_dicts(), columns, "without", label=title, csv="without.csv")
    is_few = is_small(nobody.height, minimum) or is_small(base.height - nobody.height, minimum)
    note = (
        "Too few, or all but too few, to say"
        if is_few
        else f"{units.count(nobody.height)} of {units.count(base.height)}"
    )
    return components.card(title, table, note=note)


PAGE = Page(
    path="/recommendations",
    name="Recommendations",
    question="What should be recommended to whom, and why?",
    relations=(SUBSCRIBERS, RECOMMENDATIONS),
    render=render,
    more_relations=(PLAN_FIT, SEGMENTS),
    parameters=("kind", "approach"),
    limits=limits,
)
