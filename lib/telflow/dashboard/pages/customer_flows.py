"""What is read from the flows of customers: where their traffic goes to, and what it is. It comes after the page."""

import polars as pl
from dash import dcc, html
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.compose import resolve
from telflow.dashboard.data import Reader
from telflow.dashboard.figures.customers import destinations_figure
from telflow.dashboard.filters import format_query, parse_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.pages.refusals import refusal
from telflow.dashboard.queries import destinations, talkers
from telflow.errors import TableMissingError
from telflow.settings import Settings

PATH = "/customers"
MOST = 10
ROWS_SHOWN = 200
ADDRESSES = "addresses"
FLOWS, ASKED = "customer-flows", "customer-flows-asked"


def flows_place(view: View) -> Component:
    """Where destinations and traffic types go once they are read, which takes longer than the page may."""
    asked = {"search": view.search, "scheme": view.scheme}
    waiting = html.P("Reading the flows of these days …", className="card-note", role="status")
    place = dcc.Loading(html.Div(waiting, id=FLOWS, className="page"), delay_show=250, type="circle")
    return html.Div([dcc.Store(id=ASKED, data=asked), place], className="span-12")


def asked_view(asked: dict[str, str], page: Page, reader: Reader, settings: Settings) -> View:
    """The view that ``flows_place`` put down, checked as an address is: anybody may ask for anything."""
    parsed = parse_query(asked.get("search"), page.parameters)
    return resolve(reader, settings, page, parsed, "dark" if asked.get("scheme") == "dark" else "light").view


def top_talkers(view: View) -> pl.DataFrame:
    """The customers with most bytes, as the filters choose them."""
    are_subscribers = view.filters.parameter("who") != ADDRESSES
    return talkers.top_talkers(view.reader, view.filters, view.period, MOST, are_subscribers=are_subscribers)


def flow_cards(view: View) -> list[Component]:
    """Destinations and traffic types of the customer, or of the talkers together."""
    customer = view.filters.parameter("customer")
    if customer is not None and not talkers.is_known(view.reader, customer):
        return []
    if customer is None and refusal(view, view.filters):
        return []
    chosen = [customer] if customer else top_talkers(view).get_column("customer").to_list()
    if not chosen:
        return []
    try:
        traffic = destinations.traffic_of(view.reader, chosen, view.filters, view.period, view.settings.network.zone)
        shared = destinations.shared_networks(view.reader, view.period, view.minimum)
    except TableMissingError as error:
        return [components.words("Destinations cannot be shown", str(error), "missing")]
    if not traffic.height:
        return [components.words("No flows in these days", "Nothing that was chosen has flows that began in them.")]
    told = destinations.told_destinations(traffic, shared)
    whose = "of this customer" if customer else f"of these {len(chosen)} together"
    sums = (
        told.group_by("destination").agg(pl.col("bytes").sum()).sort(["bytes", "destination"], descending=[True, False])
    )
    return [destination_chips(view, sums), destinations_card(view, sums, whose), types_card(view, told, whose)]


def destination_chips(view: View, sums: pl.DataFrame) -> Component:
    """The destinations drawn, as links: the keyboard does not reach their bars."""
    chosen = view.filters.parameter("destination")
    drawn = sums.head(MOST).get_column("destination").to_list()
    links = [
        (name or "all", f"{PATH}{format_query(view.filters.with_parameters(destination=name))}", chosen == name)
        for name in (None, *drawn)
    ]
    return components.chips("Traffic types to", links)


def destinations_card(view: View, sums: pl.DataFrame, whose: str) -> Component:
    """Bars of the destinations; a click leaves one."""
    total = sums.get_column("bytes").sum() or 1
    first = sums.row(0, named=True)
    text = (
        f"Most goes to {first['destination']}: {units.share(first['bytes'] / total)}. Networks that fewer than "
        f"{view.minimum} customers used on any day are {destinations.OTHERS}."
    )
    figure = destinations_figure(sums.head(MOST), view.filters.parameter("destination"), view.look)
    note = f"Networks at the far end, {whose}; click a bar, or its name above, to see its traffic types"
    return components.chart(
        "Destinations", figure, text, "customer-destinations", note=note, span=6, picks="destination"
    )


def types_card(view: View, told: pl.DataFrame, whose: str) -> Component:
    """Port and protocol, service, category and bytes, as the study's tables had them."""
    chosen = view.filters.parameter("destination")
    kept = told.filter(pl.col("destination") == chosen) if chosen else told
    if not kept.height:
        return components.words("There is no such destination", f"Nothing went to {chosen} in these days.")
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
