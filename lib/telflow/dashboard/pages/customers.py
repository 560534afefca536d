"""Customers: the ten who use most, and all that is known of one of them."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import dash_mantine_components as dmc
import polars as pl
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.data import Reader
from telflow.dashboard.figures.customers import talkers_figure
from telflow.dashboard.filters import Filters, format_query
from telflow.dashboard.page import OWN_DAYS, Page, View
from telflow.dashboard.pages import customer_profile
from telflow.dashboard.pages.customer_flows import (
    ADDRESSES,
    ASKED,
    FLOWS,
    PATH,
    asked_view,
    flow_cards,
    flows_place,
    top_talkers,
)
from telflow.dashboard.pages.refusals import refusal
from telflow.dashboard.queries import talkers
from telflow.dashboard.relations import (
    CHURN_SCORES,
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    FLOW_ENDS,
    LEASE_SPANS,
    PLAN_FIT,
    PROTOCOLS,
    RECOMMENDATIONS,
    REMOTE_NETWORKS,
    SCORES,
    SEGMENTS,
    TRAFFIC_BY_DAY,
    TRENDS,
)
from telflow.dashboard.style import Look
from telflow.settings import Settings

PARAMETERS = ("customer", "destination", "who")
SEARCH, SHOWN = "customer-search", "customer-shown"
ADDRESS_NOTE = (
    "This is an address, not a subscriber: on the days shown no lease says whose it was. It has no plan, region or "
    "segment, and several people may have held it one after the other."
)


def limits(filters: Filters) -> dict[str, str]:
    reasons = {"zone": OWN_DAYS}
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
    steps = [("All customers", f"{PATH}{everybody}")]
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
        (name, f"{PATH}{format_query(view.filters.with_parameters(who=who))}", chosen == who)
        for name, who in (("Subscribers", None), ("Addresses without a lease", ADDRESSES))
    ]
    return components.chips("Show", links)


def overview(view: View) -> list[Component]:
    """The ten who use most, and where their traffic goes."""
    refused = refusal(view, view.filters)
    if refused:
        return refused
    found = top_talkers(view)
    if not found.height:
        return [components.nothing_found()]
    total = talkers.used_bytes(view.reader, view.filters, view.period)
    return [talkers_card(found, total, view.look), talkers_table(found, total, view.filters), flows_place(view)]


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
        return no_update if asked is None else flow_cards(asked_view(asked, PAGE, reader, settings))


PAGE = Page(
    path=PATH,
    name="Customers",
    question="Who uses most, and what is known of a customer?",
    relations=(TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY, CUSTOMER_CATEGORIES),
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
        REMOTE_NETWORKS,
        PLAN_FIT,
    ),
    parameters=PARAMETERS,
    limits=limits,
    register=register,
)
