"""Customers: the ten who use most, and all that is known of one of them."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.compose import resolve
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, format_query, parse_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages import customer_profile
from telflow.dashboard.queries import customers, destinations, talkers
from telflow.dashboard.relations import (
    CHURN_SCORES,
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    FLOW_ENDS,
    LEASE_SPANS,
    PROTOCOLS,
    RECOMMENDATIONS,
    SCORES,
    SEGMENTS,
    TRENDS,
)
from telflow.dashboard.style import Figure, Look, axis, bytes_axis, layout
from telflow.errors import TableMissingError
from telflow.settings import Settings

MOST = 10
ROWS_SHOWN = 200
PARAMETERS = ("customer", "destination", "who")
ADDRESSES = "addresses"
SEARCH, SHOWN, FLOWS, ASKED = "customer-search", "customer-shown", "customer-flows", "customer-flows-asked"
ADDRESS_NOTE = (
    "This is an address, not a subscriber: on the days shown no lease says whose it was. It has no plan, region or "
    "segment, and several people may have held it one after the other."
)


def limits(filters: Filters) -> dict[str, str]:
    reasons = {"zone": "What customers use is kept by the provider's own days."}
    if filters.parameter("customer"):
        told = "One customer is shown: go back to all customers first."
        reasons |= {"plan": told, "region": told, "segment": told}
        return reasons
    reasons["compare"] = "Choose a customer to compare its days with those before."
    if filters.parameter("who") == ADDRESSES:
        told = "Addresses without a lease have no plan, region or segment."
        reasons |= {"plan": told, "region": told, "segment": told}
    return reasons


def render(view: View) -> list[Component]:
    """The chooser, and below it the talkers or the one customer."""
    customer = view.filters.parameter("customer")
    if customer is None:
        return [chooser(view, None), who_chips(view), *overview(view)]
    if not talkers.is_known(view.reader, customer):
        told = "Look it up in the box above: tokens begin with sub_, those of addresses without a lease with ip_."
        return [chooser(view, None), components.words("There is no such customer", f"{customer[:80]}: {told}")]
    address = [] if customer.startswith("sub_") else [components.words("An address without a lease", ADDRESS_NOTE)]
    return [chooser(view, customer), *address, *customer_profile.render(view, customer), flows_place(view)]


def chooser(view: View, customer: str | None) -> Component:
    """The way back to all customers, and the box to find one by a part of the token."""
    everybody = format_query(view.filters.with_parameters(customer=None, destination=None))
    steps = [("All customers", f"{PAGE.path}{everybody}")]
    if customer is not None:
        steps.append((customer, ""))
    box = dmc.Select(
        id=SEARCH,
        label="Find a customer by token",
        placeholder="Type a part of it, such as sub_3e0f",
        value=customer,
        data=[customer] if customer else [],
        searchable=True,
        clearable=True,
        selectFirstOptionOnChange=True,
        nothingFoundMessage="No token holds this",
        size="sm",
    )
    shown = dcc.Store(id=SHOWN, data=customer)
    return html.Div([components.crumbs(steps), html.Div([box, shown], className="finder")], className="chooser span-12")


def who_chips(view: View) -> Component:
    """Subscribers, or addresses that no lease tells the subscriber of."""
    chosen = view.filters.parameter("who")
    links = [
        (name, f"{PAGE.path}{format_query(view.filters.with_parameters(who=who))}", chosen == who)
        for name, who in (("Subscribers", None), ("Addresses without a lease", ADDRESSES))
    ]
    return components.chips("Show", links)


def overview(view: View) -> list[Component]:
    """The ten who use most, and where their traffic goes."""
    if customers.is_too_small(view.reader, view.filters, view.period, view.minimum):
        return [components.too_small(view.minimum)]
    found = top_talkers(view)
    if not found.height:
        return [components.nothing_found()]
    total = talkers.used_bytes(view.reader, view.filters, view.period)
    return [talkers_card(found, total, view.look), talkers_table(found, total, view.filters), flows_place(view)]


def top_talkers(view: View) -> pl.DataFrame:
    """The customers with most bytes, as the filters choose them."""
    are_subscribers = view.filters.parameter("who") != ADDRESSES
    return talkers.top_talkers(view.reader, view.filters, view.period, MOST, are_subscribers=are_subscribers)


def short(customer: str) -> str:
    """A token as it fits an axis."""
    return f"{customer[:12]}…" if len(customer) > 13 else customer


def talkers_card(found: pl.DataFrame, total: int, look: Look) -> Component:
    """Bars of the talkers; a click shows one alone."""
    volume = int(found.get_column("bytes").sum())
    text = (
        f"These {found.height} carry {units.share(volume / total if total else None)} of all bytes; the first "
        f"{units.volume(found.get_column('bytes')[0])}."
    )
    note = "Bytes both ways; click a bar to see the customer"
    return components.chart(
        "Top talkers", talkers_figure(found, look), text, "talkers", note=note, span=6, picks="customer"
    )


def talkers_figure(found: pl.DataFrame, look: Look) -> Figure:
    """Bars of bytes to and from each customer, the first on top.

    Args:
        found: ``customer``, ``bytes``, ``bytes_down`` and ``bytes_up``, which are null where they are not kept.
        look: colours.
    """
    rows = found.reverse()
    tokens = rows.get_column("customer").to_list()
    has_ways = not rows.get_column("bytes_down").has_nulls()
    series = (("bytes_down", "To the customer"), ("bytes_up", "From the customer"))
    shown = series if has_ways else (("bytes", "Both ways"),)
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": title,
            "x": rows.get_column(name).to_list(),
            "y": [short(token) for token in tokens],
            "customdata": tokens,
            "marker": {"color": look.colours[at] if at else look.accent},
            "hovertemplate": f"%{{customdata}}<br>{title}: %{{x:.3s}}B<extra></extra>",
        }
        for at, (name, title) in enumerate(shown)
    ]
    axes: dict[str, Any] = {
        "xaxis": bytes_axis(look, "Bytes", nticks=6),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": data, "layout": layout(look, 420, barmode="stack", bargap=0.3, showlegend=has_ways, **axes)}


def talkers_table(found: pl.DataFrame, total: int, filters: Filters) -> Component:
    """The talkers in numbers."""
    rows = found.with_columns((pl.col("bytes") / (total or 1)).alias("share"), pl.col("customer").alias("pick"))
    columns = [
        column("customer", "Token", minWidth=125, headerTooltip="sub_ of a subscriber, ip_ of an address"),
        column("plan", "Plan", minWidth=70),
        column("region", "Region", minWidth=85),
        column("bytes", "Bytes", "bytes", sort="desc", minWidth=92),
        column("share", "Share", "share", minWidth=78),
    ]
    if not filters.categories:
        columns.append(column("connections", "Flows", "count", minWidth=75))
    label = "Top talkers in numbers"
    table = components.grid(rows.to_dicts(), columns, "talkers-table", label=label, picks="customer", csv="talkers.csv")
    return components.card(label, table, note="Click a row to see the customer", span=6)


def flows_place(view: View) -> Component:
    """Where destinations and traffic types go once they are read, which takes longer than the page may."""
    asked = {"search": view.search, "scheme": view.scheme}
    waiting = html.P("Reading the flows of these days …", className="card-note", role="status")
    place = dcc.Loading(html.Div(waiting, id=FLOWS, className="page"), delay_show=250, type="circle")
    return html.Div([dcc.Store(id=ASKED, data=asked), place], className="span-12")


def asked_view(asked: dict[str, str], reader: Reader, settings: Settings) -> View:
    """The view that ``flows_place`` put down, checked as an address is: anybody may ask for anything."""
    parsed = parse_query(asked.get("search"), PARAMETERS)
    return resolve(reader, settings, PAGE, parsed, "dark" if asked.get("scheme") == "dark" else "light").view


def flow_cards(view: View) -> list[Component]:
    """Destinations and traffic types of the customer, or of the talkers together."""
    customer = view.filters.parameter("customer")
    if customer is not None and not talkers.is_known(view.reader, customer):
        return []
    if customer is None and customers.is_too_small(view.reader, view.filters, view.period, view.minimum):
        return []
    chosen = [customer] if customer else top_talkers(view).get_column("customer").to_list()
    if not chosen:
        return []
    try:
        traffic = destinations.traffic_of(view.reader, chosen, view.filters, view.period, view.settings.network.zone)
        shared = destinations.shared_prefixes(view.reader, view.period, view.minimum)
    except TableMissingError as error:
        return [components.words("Destinations cannot be shown", str(error), "missing")]
    if not traffic.height:
        return [components.words("No flows in these days", "Nothing that was chosen has flows that began in them.")]
    told = destinations.told_destinations(traffic, shared)
    whose = "of this customer" if customer else f"of these {len(chosen)} together"
    return [destinations_card(view, told, whose), types_card(view, told, whose)]


def destinations_card(view: View, told: pl.DataFrame, whose: str) -> Component:
    """Bars of the destinations; a click leaves one."""
    sums = (
        told.group_by("destination").agg(pl.col("bytes").sum()).sort(["bytes", "destination"], descending=[True, False])
    )
    total = sums.get_column("bytes").sum() or 1
    first = sums.row(0, named=True)
    text = (
        f"Most goes to {first['destination']}: {units.share(first['bytes'] / total)}. Networks that fewer than "
        f"{view.minimum} own addresses used on any day are {destinations.OTHERS}."
    )
    figure = destinations_figure(sums.head(MOST), view.filters.parameter("destination"), view.look)
    note = f"Networks at the far end, {whose}; click a bar to see its traffic types"
    return components.chart(
        "Destinations", figure, text, "customer-destinations", note=note, span=6, picks="destination"
    )


def destinations_figure(sums: pl.DataFrame, chosen: str | None, look: Look) -> Figure:
    """Bars of ``destination`` and ``bytes``, the largest on top; where one is ``chosen`` the others are faint."""
    rows = sums.reverse()
    names = rows.get_column("destination").to_list()
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": rows.get_column("bytes").to_list(),
        "y": names,
        "customdata": names,
        "marker": {"color": look.accent, "opacity": [1.0 if chosen in (None, name) else 0.35 for name in names]},
        "hovertemplate": "%{y}<br>%{x:.3s}B<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": bytes_axis(look, "Bytes, both ways", nticks=6),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": [bars], "layout": layout(look, 90 + 31 * len(names), bargap=0.3, showlegend=False, **axes)}


def types_card(view: View, told: pl.DataFrame, whose: str) -> Component:
    """Port and protocol, service, category and bytes, as the study's tables had them."""
    chosen = view.filters.parameter("destination")
    kept = told.filter(pl.col("destination") == chosen) if chosen else told
    port = pl.col("port").cast(pl.String).fill_null("other ")
    types = (
        kept.group_by("port", "protocol", "service", "category")
        .agg(pl.col("bytes").sum(), pl.col("flows").sum())
        .with_columns(pl.concat_str(port, pl.col("protocol")).alias("type"), pl.col("category").alias("pick"))
        .sort("bytes", descending=True)
        .head(ROWS_SHOWN)
    )
    columns = [
        column("type", "Type", minWidth=95),
        column("service", "Service", minWidth=110),
        column("category", "Category", minWidth=120),
        column("bytes", "Bytes", "bytes", sort="desc", minWidth=95),
        column("flows", "Flows", "count", minWidth=75),
    ]
    place = f", to {chosen}" if chosen else ""
    label = "Traffic types"
    rows = types.select("type", "service", "category", "bytes", "flows", "pick").to_dicts()
    table = components.grid(rows, columns, "customer-types", label=label, picks="category", csv="traffic-types.csv")
    note = f"By port and protocol of the server's side, {whose}{place}; click a row to see its category alone"
    return components.card(label, table, note=note, span=6)


def chosen_search(customer: str | None, search: str | None) -> str | None:
    """The query string with ``customer`` chosen and all else kept; None where it is so already."""
    parts = parse_qsl((search or "").removeprefix("?"))
    if dict(parts).get("customer") == customer:
        return None
    kept = [(name, value) for name, value in parts if name not in ("customer", "destination")]
    chosen = [*kept, *([("customer", customer)] if customer else [])]
    return f"?{urlencode(chosen)}" if chosen else ""


def found_options(part: str | None, customer: str | None, reader: Reader) -> list[str]:
    """Tokens to choose from while ``part`` is typed; the one chosen stays among them."""
    found = talkers.matching(reader, part or "")
    return [*([customer] if customer and customer not in found else []), *found]


def register(app: Dash, reader: Reader, settings: Settings) -> None:
    """The box that finds customers, and the part of the page that is read from flows."""

    @app.callback(
        Output(SEARCH, "data"), Input(SEARCH, "searchValue"), State(SEARCH, "value"), prevent_initial_call=True
    )
    def find(part: str | None, customer: str | None) -> Any:
        return found_options(part, customer, reader)

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input(SEARCH, "value"),
        State(SHOWN, "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def choose(customer: str | None, shown: str | None, search: str | None) -> Any:
        wanted = chosen_search(customer, search) if customer != shown else None  # a box just made was not touched
        return no_update if wanted is None else wanted

    @app.callback(Output(FLOWS, "children"), Input(ASKED, "data"))
    def read_flows(asked: dict[str, str] | None) -> Any:
        return no_update if asked is None else flow_cards(asked_view(asked, reader, settings))


PAGE = Page(
    path="/customers",
    name="Customers",
    question="Who uses most, and what is known of a customer?",
    relations=(CUSTOMERS_BY_DAY, CUSTOMER_CATEGORIES),
    render=render,
    more_relations=(
        SCORES,
        SEGMENTS,
        CHURN_SCORES,
        TRENDS,
        RECOMMENDATIONS,
        FLOW_ENDS,
        LEASE_SPANS,
        PROTOCOLS,
    ),
    parameters=PARAMETERS,
    limits=limits,
    register=register,
)
