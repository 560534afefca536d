"""Recommendations: what to come with to whom, why, and whether every group gets its part."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.filters import Filters, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import recommendations
from telflow.dashboard.relations import PLAN_FIT, RECOMMENDATIONS, SEGMENTS, SUBSCRIBERS
from telflow.dashboard.style import Figure, Look, axis, layout
from telflow.privacy.suppression import guard, suppress, tells_of_few

KINDS = ("retention", "plan up", "plan down", "service", "no change")
NO_CHANGE = "no change"
ROWS_SHOWN = 300
PARTS = {"plan": "Plan", "region": "Region", "segment": "Segment"}


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
    found = of_date.join(base.select("customer", "plan"), on="customer", how="inner", maintain_order="left")
    return [
        components.tiles(*headline(base, found, as_of)),
        kind_chips(view, found),
        kinds_card(found, view),
        without_card(base, found, view.minimum),
        list_card(narrowed(found, view.filters), view),
        *fairness_cards(base, found, view),
    ]


def narrowed(found: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """``found`` of the kind, and of the customers that may be approached, where the address asks for it."""
    kind = filters.parameter("kind")
    kept = found.filter(pl.col("kind") == kind) if kind else found
    return kept.filter(pl.col("may_approach")) if filters.parameter("approach") else kept


def headline(base: pl.DataFrame, found: pl.DataFrame, as_of: date) -> list[Component]:
    """Customers with something to come with, those one may approach, and what it would change."""
    offers = found.filter(pl.col("kind") != NO_CHANGE)
    reached = offers.get_column("customer").n_unique()
    approachable = offers.filter(pl.col("may_approach"))
    effect = with_effect(approachable).get_column("effect").sum()
    unchanged = found.filter(pl.col("kind") == NO_CHANGE).get_column("customer").n_unique()
    without = base.height - found.get_column("customer").n_unique()
    return [
        components.tile("Customers", units.count(base.height), f"looked at as of {as_of}"),
        components.tile("With an offer", units.count(reached), units.share(reached / base.height)),
        components.tile(
            "May be approached",
            units.count(approachable.get_column("customer").n_unique()),
            "with at least one offer: consent, or none needed",
        ),
        components.tile(
            "Expected effect",
            signed(float(effect)),
            "a month: price difference by confidence, of who may be approached",
        ),
        components.tile("No change", units.count(unchanged), "all is well as it is"),
        components.tile("Without any", units.count(without), "too little is known: see below"),
    ]


def signed(value: float) -> str:
    """An amount of money with its sign."""
    return f"{value:+,.0f}".replace("-", units.MINUS)


def with_effect(rows: pl.DataFrame) -> pl.DataFrame:
    """``rows`` and ``effect``: the price difference times the confidence, null where either is not known."""
    return rows.with_columns((pl.col("price_difference") * pl.col("confidence")).alias("effect"))


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
    first = counts.row(0, named=True)
    text = f"Most are {first['kind']}: {units.count(first['customers'])} customers."
    note = "Customers with at least one of the kind; click a bar to list it alone"
    return components.chart(
        "Kinds", kinds_figure(counts, view.look), text, "recommendation-kinds", note=note, span=6, picks="kind"
    )


def kinds_figure(counts: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``customers`` by ``kind``, and within them those who may be ``approachable``."""
    rows = counts.reverse()
    kinds = rows.get_column("kind").to_list()
    series = (("customers", "All", look.faint), ("approachable", "May be approached", look.accent))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": title,
            "x": rows.get_column(name).to_list(),
            "y": kinds,
            "customdata": kinds,
            "marker": {"color": colour},
            "hovertemplate": f"%{{y}}<br>{title}: %{{x:,}}<extra></extra>",
        }
        for name, title, colour in series
    ]
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Customers", rangemode="tozero", nticks=6),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": data, "layout": layout(look, 320, barmode="group", bargap=0.3, **axes)}


def without_card(base: pl.DataFrame, found: pl.DataFrame, minimum: int) -> Component:
    """Who gets no recommendation at all, and why."""
    title = "Without a recommendation"
    nobody = base.join(found.select("customer").unique(), on="customer", how="anti")
    if not nobody.height:
        return components.card(title, note="Every customer has at least one, be it to stay as it is.", span=6)
    reason = pl.col("untold_reason").fill_null("not looked at").alias("reason")
    counts = nobody.group_by(reason).agg(pl.len().cast(pl.Int64).alias("customers")).sort("customers", descending=True)
    told = suppress(counts, "customers", minimum, [])
    columns = [column("reason", "Why", minWidth=200), column("customers", "Customers", "count", sort="desc")]
    table = components.grid(
        told.select("reason", "customers").to_dicts(), columns, "without", label=title, csv="without.csv"
    )
    return components.card(title, table, note=f"{units.count(nobody.height)} of {units.count(base.height)}", span=6)


def list_card(shown: pl.DataFrame, view: View) -> Component:
    """The list, ranked, each with its reason."""
    if not shown.height:
        return components.card("Ranked list", note="Nothing of this kind, or nobody who may be approached with it.")
    rows = [
        {**row, "link": profile_link(row["customer"], view.filters), "approach": "yes" if row["may_approach"] else "no"}
        for row in with_effect(shown).head(ROWS_SHOWN).iter_rows(named=True)
    ]
    kept = (
        "rank",
        "customer",
        "link",
        "kind",
        "service",
        "reason",
        "price_difference",
        "confidence",
        "effect",
        "ufm_level",
    )
    columns = [
        column("rank", "Rank", minWidth=65, maxWidth=75),
        column("customer", "Customer", minWidth=130, cellRenderer="TelflowLink"),
        column("kind", "Kind", minWidth=100),
        column("service", "What", minWidth=110),
        column("reason", "Reason", minWidth=280, wrapText=True, autoHeight=True, cellClass="reason"),
        column("price_difference", "Price", "money", minWidth=80, headerTooltip="Change of the monthly price"),
        column("confidence", "Sure", "likely", minWidth=80),
        column("effect", "Effect", "money", minWidth=80, headerTooltip="Price difference by confidence, a month"),
        column("ufm_level", "UFM level", minWidth=140),
        column("approach", "Approach", minWidth=105, headerTooltip="May be approached with it"),
    ]
    label = "Ranked list"
    listed = [{name: row[name] for name in (*kept, "approach")} for row in rows]
    table = components.grid(listed, columns, "recommendations", label=label, csv="recommendations.csv")
    more = f"The first {ROWS_SHOWN} of {shown.height:,}: " if shown.height > ROWS_SHOWN else ""
    note = f"{more}first rank first, the surest first within a rank; click a customer to see all of it"
    return components.card(label, table, note=note[0].upper() + note[1:])


def profile_link(customer: str, filters: Filters) -> str:
    """Address of the customer's own page; days stay chosen."""
    kept = format_query(Filters(period=filters.period)).removeprefix("?")
    query = "&".join(part for part in (kept, urlencode({"customer": customer})) if part)
    return f"/customers?{query}"


def fairness_cards(base: pl.DataFrame, found: pl.DataFrame, view: View) -> list[Component]:
    """How often each plan, region and segment is recommended what."""
    kinds = [kind for kind in KINDS if (found.get_column("kind") == kind).any()]
    cards = []
    for part, title in PARTS.items():
        if base.get_column(part).n_unique() > 1:
            told = fairness_shares(recommendations.fairness(base, found, part, kinds), kinds, view.minimum)
            cards.append(fairness_card(told, kinds, part, title))
    return cards


def fairness_shares(counts: pl.DataFrame, kinds: list[str], minimum: int) -> pl.DataFrame:
    """Customers of each group and the part of them by kind, what tells of few hidden.

    Args:
        counts: ``group``, ``customers`` and a count for each of ``kinds``.
        kinds: columns to divide by ``customers``.
        minimum: customers of the smallest cell that is shown.
    """
    told = suppress(counts, "customers", minimum, kinds)
    for kind in kinds:
        hidden = guard(counts.get_column(kind).to_list(), minimum).hidden
        share = pl.col(kind) / pl.col("customers")
        told = told.with_columns(pl.when(pl.Series(hidden)).then(None).otherwise(share).alias(kind))
    return told


def fairness_card(told: pl.DataFrame, kinds: list[str], part: str, title: str) -> Component:
    """Shares of one part."""
    columns = [column("group", title, minWidth=130), column("customers", "Customers", "count", minWidth=100)]
    columns += [column(kind, kind.capitalize(), "share", minWidth=95) for kind in kinds]
    label = f"Fairness by {part}"
    note = "Part of each group's customers with at least one of the kind; what tells of few is hidden"
    table = components.grid(
        told.select("group", "customers", *kinds).to_dicts(), columns, f"fairness-{part}", label=label,
        csv=f"fairness-{part}.csv",
    )  # fmt: skip
    return components.card(label, table, note=note)


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
