"""Re-classification: what exporters took the traffic for, and what the IANA registry says of its ports."""

from collections.abc import Mapping, Sequence

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import customers, reclassification, traffic
from telflow.dashboard.relations import CUSTOMER_CATEGORIES, PROTOCOLS, RECLASSIFICATION, SERVER_PORTS, TRAFFIC_TYPES
from telflow.dashboard.style import REST, Figure, Look, layout
from telflow.errors import TableMissingError
from telflow.privacy.suppression import suppress

TOGETHER = "What exporters say is kept for all customers together."
LARGEST = 12  # applications and services of the Sankey each
LARGEST_CATEGORIES = 8
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
    shown = shown_pairs(view, found, view.period)
    before = reclassification.pairs(view.reader, view.filters, view.previous) if view.previous else None
    return [
        components.tiles(*headline(found, before)),
        *unlabelled(found),
        sankey_card(shown, found.height - shown.height, view),
        disagreement_card(shown),
        *type_cards(view),
    ]


def shown_pairs(view: View, found: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Those of ``found`` that tell of no small group, as far as flows and services tell how many stand behind them."""
    enough = found.filter(pl.col("flows") >= view.minimum)
    try:
        few = customers.hidden_categories(view.reader, Filters(), period, view.minimum)
        enough = enough.filter(~pl.col("category").is_in(list(few)))
        addresses = traffic.addresses_by_service(view.reader, period)
    except TableMissingError:
        return enough
    small = [name for name, number in addresses.items() if 0 < number < view.minimum]
    return enough.filter(~pl.col("service").is_in(small))


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
    note = "Exporter's label, IANA service, category; width is bytes"
    return components.chart("From label to service to category", figure, text, "reclassification-sankey", note=note)


def label(observed: str) -> str:
    """An exporter's label, in words where there is none."""
    return "no label" if observed == "none" else observed


def folded(names: pl.Series, sizes: pl.Series, most: int = LARGEST) -> Mapping[str, str]:
    """Each name as itself where it is among the ``most`` largest, else as the rest."""
    sums = pl.DataFrame({"name": names, "size": sizes}).group_by("name").agg(pl.col("size").sum())
    ordered = sums.sort(["size", "name"], descending=[True, False]).get_column("name").to_list()
    return {name: name if at < most else REST for at, name in enumerate(ordered)}


def sankey_figure(shown: pl.DataFrame, look: Look) -> Figure:
    """Bytes from label to service to category.

    Args:
        shown: ``observed``, ``service``, ``category``, ``bytes``.
        look: colours; links have their category's.
    """
    sizes = shown.get_column("bytes")
    left, middle = (folded(shown.get_column(name), sizes) for name in ("observed", "service"))
    right = folded(shown.get_column("category"), sizes, LARGEST_CATEGORIES)
    flows: dict[tuple[str, str, str], int] = {}
    for observed, service, category, volume in shown.select("observed", "service", "category", "bytes").iter_rows():
        way = (label(left[observed]), middle[service], right[category])
        flows[way] = flows.get(way, 0) + volume
    columns = [list(dict.fromkeys(way[at] for way in flows)) for at in range(3)]
    place = {
        (at, name): number for number, (at, name) in enumerate((at, name) for at in range(3) for name in columns[at])
    }
    colours = look.colour_by_name(columns[2])
    links = sankey_links(flows, place, colours)
    node_colours = [colours[name] if at == 2 else look.faint for at, name in place]
    sankey = {
        "type": "sankey",
        "arrangement": "snap",
        "valueformat": ".3s",
        "valuesuffix": "B",
        "textfont": {"color": look.ink, "size": 12, "shadow": "none"},
        "node": {
            "label": [name for _, name in place],
            "color": node_colours,
            "pad": 12,
            "thickness": 14,
            "line": {"width": 0},
        },
        "link": links,
    }
    return {"data": [sankey], "layout": layout(look, 560)}


def sankey_links(
    flows: Mapping[tuple[str, str, str], int], place: Mapping[tuple[int, str], int], colours: Mapping[str, str]
) -> dict[str, list[object]]:
    """Links between neighbouring columns, those of one category in its colour."""
    sums: dict[tuple[int, int, str], int] = {}
    for (observed, service, category), volume in flows.items():
        for source, target in (((0, observed), (1, service)), ((1, service), (2, category))):
            key = (place[source], place[target], category)
            sums[key] = sums.get(key, 0) + volume
    return {
        "source": [source for source, _, _ in sums],
        "target": [target for _, target, _ in sums],
        "value": list(sums.values()),
        "color": [colours[category] + "66" for _, _, category in sums],
    }


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


def type_card(view: View, end: reclassification.End, title: str) -> Component:
    """Port and protocol, service and bytes of one end."""
    types = reclassification.traffic_types(view.reader, end, view.filters, view.period)
    told = suppress(types, "own_addresses", view.minimum, ["bytes", "flows"])
    shown = told.filter(~pl.col("is_suppressed")).head(ROWS_SHOWN)
    named = shown.with_columns(pl.concat_str(pl.col("port").cast(pl.String), pl.col("protocol")).alias("type"))
    columns = [
        column("type", "Type", minWidth=95),
        column("service", "Service", minWidth=105),
        column("bytes", "Bytes", "exact", sort="desc", minWidth=175),
        column("flows", "Flows", "count", minWidth=100),
    ]
    rows = named.select("type", "service", "bytes", "flows").to_dicts()
    table = components.grid(rows, columns, f"types-{end}", label=title, csv=f"types-{end}.csv")
    return components.card(title, table, note="Registered and assignable ports, below 49152", span=6)


PAGE = Page(
    path="/reclassification",
    name="Re-classification",
    question="Do exporters and the registry agree on what the traffic is?",
    relations=(RECLASSIFICATION,),
    render=render,
    more_relations=(SERVER_PORTS, TRAFFIC_TYPES, PROTOCOLS, CUSTOMER_CATEGORIES),
    limits=limits,
)
