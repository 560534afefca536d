"""Re-classification: what exporters took the traffic for, and what the IANA registry says of its ports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.reclassification import label, sankey_figure
from telflow.dashboard.filters import Filters
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.refusals import not_counted, refusal
from telflow.dashboard.queries import customers, reclassification, types
from telflow.dashboard.queries.extent import uncounted_days
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    PROTOCOLS,
    RECLASSIFICATION,
    TRAFFIC_TYPES,
)
from telflow.errors import TableMissingError

TOGETHER = "What exporters say is kept for all customers together."
ROWS_SHOWN = 200
AGREEMENT = {"same": "same", "differs": "differs", "unobserved": "exporter gave no label"}


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "zone": "Days are those of UTC in which the flows began.",
        "plan": TOGETHER,
        "region": TOGETHER,
        "segment": TOGETHER,
    }


def render(view: View) -> list[Component]:
    """Agreement, the way from label to service to category, disagreements, and both ends' traffic types."""
    found = reclassification.pairs(view.reader, view.filters, view.period)
    if not found.height:
        return [components.nothing_found()]
    own = of_utc(view)
    refused = refusal(own, view.filters)
    if refused:
        return refused
    before = reclassification.pairs(view.reader, view.filters, view.previous) if view.previous else None
    return [
        components.tiles(*headline(found, before)),
        *unlabelled(found),
        *pair_cards(own, found),
        *type_cards(view),
    ]


def of_utc(view: View) -> View:
    """``view`` with its days as those of UTC, which they are here whatever was chosen."""
    return replace(view, filters=replace(view.filters, zone="utc"))


def pair_cards(view: View, found: pl.DataFrame) -> list[Component]:
    """The way from label to category and the disagreements; words where nobody counted who stands behind them."""
    try:
        guard = customers.guard_of(view.reader, Filters(), view.touched(view.period), view.minimum, by_category=True)
        uncounted = uncounted_days(view.reader, RECLASSIFICATION, TRAFFIC_TYPES, "utc_date", view.period)
    except TableMissingError as error:
        told = f"How many customers stand behind them is not known. {error}"
        return [components.words("Labels cannot be shown", told, "missing")]
    if guard.uncounted or uncounted:
        lacking = CUSTOMERS_BY_DAY if guard.uncounted else TRAFFIC_TYPES
        return [not_counted(guard.uncounted or uncounted, lacking)]
    shown = shown_pairs(view, found, guard)
    return [sankey_card(shown, found.height - shown.height, view), disagreement_card(shown)]


def shown_pairs(view: View, found: pl.DataFrame, guard: customers.Guard) -> pl.DataFrame:
    """Those of ``found`` that tell of no small group, as far as flows and services tell how many stand behind them."""
    enough = found.filter(pl.col("flows") >= view.minimum)
    services = types.hidden_services(view.reader, view.period, view.minimum)
    few = {name for name in set(enough.get_column("category")) if guard.forbids(Filters(categories=(name,)))}
    hidden = [
        category in few or (category, service) in services
        for category, service in enough.select("category", "service").iter_rows()
    ]
    return enough.filter(~pl.Series(hidden, dtype=pl.Boolean))


def agreement_shares(found: pl.DataFrame) -> dict[str, float]:
    """Part of the bytes (0 to 1) of each agreement."""
    total = found.get_column("bytes").sum() or 1
    sums = dict(found.group_by("agreement").agg(pl.col("bytes").sum()).iter_rows())
    return {name: sums.get(name, 0) / total for name in AGREEMENT}


def headline(found: pl.DataFrame, before: pl.DataFrame | None) -> list[Component]:
    """How far exporter and registry agree."""
    now = agreement_shares(found)
    then = agreement_shares(before) if before is not None and before.height else None

    def note(name: str, told: str) -> str:
        return told if then is None else f"{told}; {units.points(now[name], then[name])}"

    observed = now["same"] + now["differs"]
    return [
        components.tile("Agree", units.share(now["same"]), note("same", "of bytes: label and registry say the same")),
        components.tile("Differ", units.share(now["differs"]), note("differs", "of bytes: they say different things")),
        components.tile(
            "No label", units.share(now["unobserved"]), note("unobserved", "of bytes: the exporter gave none")
        ),
        components.tile(
            "Agreement", units.share(now["same"] / observed) if observed else "none", "of the bytes that have a label"
        ),
    ]


def unlabelled(found: pl.DataFrame) -> list[Component]:
    """What to say where no exporter gave a label."""
    if (found.get_column("agreement") != "unobserved").any():
        return []
    return [
        components.words(
            "The exporters gave no labels",
            "Their format names no application (nfdump does not), so there is nothing to agree or disagree with. Zeek, "
            "Suricata, Argus, NFStream and nDPI records name one. What the registry says is shown below.",
        )
    ]


def sankey_card(shown: pl.DataFrame, hidden: int, view: View) -> Component:
    """From the exporter's label to the registry's service to its category."""
    first = shown.head(1).to_dicts()
    text = (
        f"Largest: {label(first[0]['observed'])} is {first[0]['service']} in the registry, category "
        f"{first[0]['category']}, {units.volume(first[0]['bytes'])}."
        if first
        else ""
    )
    if hidden:
        text += f" {hidden} pairs are left out: too few stand behind them."
    figure = sankey_figure(shown, view.look)
    note = (
        "Exporter's label, IANA service, category; width is bytes. Customers are counted by category and service: "
        f"behind a single pair of label and service there are at least {view.minimum} flows, maybe of one customer."
    )
    return components.chart("From label to service to category", figure, text, "reclassification-sankey", note=note)


def disagreement_card(shown: pl.DataFrame) -> Component:
    """The pairs that differ with the most bytes."""
    differing = shown.filter(pl.col("agreement") == "differs").sort("bytes", descending=True).head(ROWS_SHOWN)
    if not differing.height:
        return components.card("Largest disagreements", note="No label differs from the registry in these days.")
    columns = [
        column("observed", "Exporter says", minWidth=150),
        column("service", "Registry says", minWidth=150),
        column("category", "Category", minWidth=150),
        column("bytes", "Bytes", "bytes", sort="desc"),
        column("flows", "Flows", "count"),
    ]
    table = components.grid(
        differing.to_dicts(), columns, "disagreements", label="Largest disagreements", csv="disagreements.csv"
    )
    return components.card("Largest disagreements", table, note="Label and registry say different things")


def type_cards(view: View) -> Sequence[Component]:
    """Traffic types of the source and of the destination, as the study's tables had them."""
    try:
        return [
            type_card(view, "src", "Traffic types at the source"),
            type_card(view, "dst", "Traffic types at the destination"),
        ]
    except TableMissingError as error:
        return [components.words("Traffic types cannot be shown", str(error), "missing")]


def type_card(view: View, end: types.End, title: str) -> Component:
    """Port and protocol, service and bytes of one end."""
    found = types.types_of(view.reader, end, view.filters, view.period, view.minimum).head(ROWS_SHOWN)
    named = found.with_columns(pl.concat_str(pl.col("port").cast(pl.String), pl.col("protocol")).alias("type"))
    columns = [
        column("type", "Type", minWidth=95),
        column("service", "Service", minWidth=105),
        column("bytes", "Bytes", "exact", sort="desc", minWidth=175),
        column("flows", "Flows", "count", minWidth=100),
    ]
    table = components.grid(named.to_dicts(), columns, f"types-{end}", label=title, csv=f"types-{end}.csv")
    note = f"Ports below 49152; what fewer than {view.minimum} customers used on a day is left out of that day"
    return components.card(title, table, note=note, span=6)


PAGE = Page(
    path="/reclassification",
    name="Re-classification",
    question="Do exporters and the registry agree on what the traffic is?",
    relations=(RECLASSIFICATION,),
    render=render,
    more_relations=(TRAFFIC_TYPES, PROTOCOLS, CUSTOMER_CATEGORIES, CUSTOMERS_BY_DAY),
    limits=limits,
)
