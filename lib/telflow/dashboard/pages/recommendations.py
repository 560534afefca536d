"""Recommendations: what to come with to whom, why, and whether every group gets its part."""

from collections.abc import Mapping

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.recommendations import causes_figure, kinds_figure
from telflow.dashboard.filters import Filters, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.recommendation_fairness import fairness_cards
from telflow.dashboard.pages.recommendation_headline import everybody_looked_at, headline_cards
from telflow.dashboard.pages.recommendation_list import CAUSES, list_card
from telflow.dashboard.queries import recommendations, segments
from telflow.dashboard.queries.everybody import MEMBERS, Everybody
from telflow.dashboard.queries.recommendations import KINDS, MAY_OFFER, OFFER
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SEGMENTS, SUBSCRIBERS
from telflow.privacy.suppression import SUPPRESSED, blank, suppress


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "zone": "Recommendations are made for the provider's own days.",
        "category": "Recommendations are for a customer as a whole.",
    }


def render(view: View) -> list[Component]:
    """Counts, the list, who gets how much, and who gets nothing."""
    as_of = segments.date_in(view.reader, RECOMMENDATIONS.name, view.filters.period)
    if as_of is None:
        told = "The table is there but empty: too little was known of every customer when it was written."
        return [components.words("No recommendations", told)]
    everybody = everybody_looked_at(view, as_of)
    if everybody.total() is None:
        return [components.too_small(view.minimum)]
    base = everybody.own
    if not base.height:
        return [components.words("Nobody is chosen", "No customer has this plan, region and segment together.")]
    of_date = recommendations.recommended(view.reader, as_of)
    found = of_date.join(base.select("customer", "upsize_causes"), on="customer", how="inner", maintain_order="left")
    return [
        *headline_cards(view, everybody, of_date, as_of),
        kind_chips(view, found),
        kinds_card(everybody, of_date, found, view),
        causes_card(everybody, base, view),
        without_card(everybody, base, of_date),
        list_card(narrowed(found, view.filters), view),
        *fairness_cards(everybody, base, of_date),
    ]


def narrowed(found: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """``found`` of the kind, and of the customers that may be approached, where the address asks for it."""
    kind = filters.parameter("kind")
    kept = found.filter(pl.col("kind") == kind) if kind else found
    return kept.filter(pl.col("may_approach")) if filters.parameter("approach") else kept


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


def kinds_card(everybody: Everybody, of_date: pl.DataFrame, found: pl.DataFrame, view: View) -> Component:
    """Customers by kind; a click on a bar shows that kind alone."""
    told = told_kinds(everybody, of_date, found)
    first = told.filter(~pl.col(SUPPRESSED)).head(1).to_dicts()
    hidden = int(told.get_column(SUPPRESSED).sum())
    text = f"Most are {first[0]['kind']}: {units.count(first[0]['customers'])} customers." if first else ""
    text += f" {hidden} are hidden, as they tell of fewer than {view.minimum} customers." if hidden else ""
    note = "Customers with at least one of the kind; click a bar to list it alone"
    figure = kinds_figure(told, view.look)
    return components.chart("Kinds", figure, text.strip(), "recommendation-kinds", note=note, span=6, picks="kind")


def told_kinds(everybody: Everybody, of_date: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """``kind``, ``customers``, ``approachable`` of the recommendations ``found``; what tells of few is null.

    Args:
        everybody: and whom of them is looked at.
        of_date: recommendations to everybody.
        found: those to whom is looked at.
    """
    may = pl.col("customer").filter(pl.col("may_approach")).n_unique().cast(pl.Int64).alias("approachable")
    counts = (
        found.group_by("kind")
        .agg(pl.col("customer").n_unique().cast(pl.Int64).alias("customers"), may)
        .sort(["customers", "kind"], descending=[True, False])
    )
    hidden, beside = [], []
    for kind in counts.get_column("kind").to_list():
        of_kind = of_date.filter(pl.col("kind") == kind).group_by("customer").agg(pl.col("may_approach").any())
        label = pl.when("may_approach").then(pl.lit(MAY_OFFER)).otherwise(pl.lit(OFFER)).alias("label")
        cube = everybody.cube(of_kind.select("customer", label))
        hidden.append(everybody.tells_of_few(cube, MAY_OFFER, OFFER))
        beside.append(everybody.tells_of_few(cube, MAY_OFFER))
    told = suppress(counts, "customers", everybody.minimum, ["approachable"], also=hidden)
    is_told = ~pl.Series(beside, dtype=pl.Boolean)
    return told.with_columns(pl.when(is_told).then(pl.col("approachable")).alias("approachable"))


def causes_card(everybody: Everybody, base: pl.DataFrame, view: View) -> Component:
    """What is too small of the plans that are."""
    title = "Why plans are too small"
    short = causes_of(base)
    if not short.height:
        return components.card(title, note="No plan is surely too small.", span=6)
    counts = short.group_by("cause").agg(pl.len().cast(pl.Int64).alias("customers"))
    causes = counts.sort(["customers", "cause"], descending=[True, False])
    everybodys = causes_of(everybody.base)
    few = [
        everybody.tells_of_few(everybody.members(everybodys.filter(pl.col("cause") == cause)), MEMBERS)
        for cause in causes.get_column("cause").to_list()
    ]
    told = suppress(causes.with_columns(pl.col("cause").replace(CAUSES)), "customers", view.minimum, [], also=few)
    shown = told.filter(~pl.col(SUPPRESSED))
    hidden = told.height - shown.height
    parts = [f"{row['cause']} {units.count(row['customers'])}" for row in shown.to_dicts()]
    text = f"{'; '.join(parts) or 'Too few for each cause to be shown'}."
    text += f" {hidden} are hidden, as they tell of fewer than {view.minimum} customers." if hidden else ""
    note = "Customers whose plan is too small, by what is short of it, also where no plan with more is sold"
    return components.chart(title, causes_figure(shown, view.look), text, "recommendation-causes", note=note, span=6)


def causes_of(base: pl.DataFrame) -> pl.DataFrame:
    """``customer`` and ``cause``: a row for each thing that is too small, whatever is advised about it."""
    if base.schema["upsize_causes"] != pl.List(pl.String):  # where nobody was looked at it has no type
        return base.clear().select("customer", pl.lit("").alias("cause"))
    return base.select("customer", pl.col("upsize_causes").alias("cause")).explode("cause").drop_nulls("cause")


def without_card(everybody: Everybody, base: pl.DataFrame, of_date: pl.DataFrame) -> Component:
    """Who gets no recommendation at all, and why."""
    title = "Without a recommendation"
    labels = recommendations.outcomes(everybody.base, of_date)
    nobody = labels.join(base, on="customer", how="semi").join(of_date, on="customer", how="anti")
    if not nobody.height:
        return components.card(title, note="Every customer has at least one, be it to stay as it is.")
    counts = nobody.group_by(pl.col("label").alias("reason")).agg(pl.len().cast(pl.Int64).alias("customers"))
    reasons = counts.sort(["customers", "reason"], descending=[True, False])
    names, cube = reasons.get_column("reason").to_list(), everybody.cube(labels)
    told = blank(reasons, [everybody.tells_of_few(cube, name) for name in names], ["customers"])
    columns = [column("reason", "Why", minWidth=200), column("customers", "Customers", "count", sort="desc")]
    table = components.grid(told.to_dicts(), columns, "without", label=title, csv="without.csv")
    note = (
        "Too few, or all but too few, to say"
        if everybody.tells_of_few(cube, *names)
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
    is_of_date=True,
)
