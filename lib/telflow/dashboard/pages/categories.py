"""Traffic categories over time and in numbers, down to services, and to ports and protocols."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.filters import Filters, Period, format_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import customers, traffic
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    PROTOCOLS,
    SERVER_PORTS,
    TRAFFIC_BY_DAY,
    TRAFFIC_BY_HOUR,
)
from telflow.dashboard.style import REST, Figure, Look, axis, bytes_axis, layout
from telflow.errors import TableMissingError
from telflow.privacy.suppression import suppress

NO_SEGMENT = "Traffic is kept by category, plan and region, not by segment."
SERVICES_SHOWN = 200


def limits(filters: Filters) -> dict[str, str]:
    reasons = {"segment": NO_SEGMENT}
    if filters.parameter("within"):
        reasons["category"] = (
            f"You are inside the category {filters.parameter('within')}: go back to all of them first."
        )
        told = "How many customers use a service is not kept by plan and region: go back to all categories first."
        reasons |= {"plan": told, "region": told}
    return reasons


def render(view: View) -> list[Component]:
    """All categories, the services of one, or the ports of a service: the address says which."""
    within, service = view.filters.parameter("within"), view.filters.parameter("service")
    filters = replace(view.filters, categories=(within,)) if within else view.filters
    compared = [period for period in (view.period, view.previous) if period is not None]
    if any(customers.is_too_small(view.reader, filters, period, view.minimum) for period in compared):
        return [path_of(view), components.too_small(view.minimum)]
    if not within:
        return [path_of(view), *categories(view)]
    try:
        return [path_of(view), *(ports(view, filters, within, service) if service else services(view, filters))]
    except TableMissingError as error:
        return [path_of(view), components.words("Services and ports cannot be shown", str(error), "missing")]


def path_of(view: View) -> Component:
    """Where in the drill-down the page is."""
    within, service = view.filters.parameter("within"), view.filters.parameter("service")
    top = view.filters.with_parameters(within=None, service=None)
    steps = [("All categories", f"{PAGE.path}{format_query(top)}")]
    if within:
        steps.append((within, f"{PAGE.path}{format_query(view.filters.with_parameters(service=None))}"))
    if within and service:
        steps.append((service, ""))
    return components.crumbs(steps)


def categories(view: View) -> list[Component]:
    """Area over time, shares, and the table."""
    parts = told_parts(view, view.period)
    if not parts.height:
        return [components.nothing_found()]
    over = traffic.over_time(view.reader, view.filters, view.period, view.day)
    return [
        area_card(view, over, parts, "Categories over time"),
        share_card(view, parts),
        table_card(view, parts),
    ]


def told_parts(view: View, period: Period) -> pl.DataFrame:
    """Bytes and flows of the categories in ``period``, small groups hidden."""
    parts = traffic.by_part(view.reader, view.filters, period, view.day, "category")
    return customers.told_categories(view.reader, parts, view.filters, period, view.minimum)


def hidden_note(parts: pl.DataFrame, minimum: int) -> str:
    """How many parts are hidden, in words."""
    hidden = int(parts.get_column("is_suppressed").sum())
    return f" {hidden} are hidden, as too few customers (below {minimum}) use them." if hidden else ""


def shown_names(parts: pl.DataFrame) -> list[str]:
    """Names of what may be shown, the largest first."""
    shown = parts.filter(~pl.col("is_suppressed")).sort("bytes", descending=True)
    return shown.get_column("name").to_list()


def area_card(view: View, over: pl.DataFrame, parts: pl.DataFrame, title: str) -> Component:
    """Bytes over time, stacked."""
    names = shown_names(parts)
    largest = names[: len(view.look.colours)]
    may_sum = not bool(parts.get_column("is_suppressed").any())
    kept = over.filter(pl.col("name").is_in(names if not may_sum else over.get_column("name")))
    stacked = with_rest(kept, largest)
    unit = "hour" if over.schema["at"] != pl.Date else "day"
    text = f"Largest: {', '.join(largest[:3])}.{hidden_note(parts, view.minimum)}"
    figure = area_figure(stacked, [*largest, REST], unit, view.zone, view.look)
    return components.chart(title, figure, text, "categories-area", note=f"Bytes by {unit}, in {view.zone}", span=8)


def with_rest(over: pl.DataFrame, largest: Sequence[str]) -> pl.DataFrame:
    """``at``, ``name``, ``bytes`` with every name but the ``largest`` summed as the rest."""
    named = over.with_columns(
        pl.when(pl.col("name").is_in(list(largest))).then(pl.col("name")).otherwise(pl.lit(REST)).alias("name")
    )
    return named.group_by("at", "name").agg(pl.col("bytes").sum()).sort("at", "name")


def area_figure(over: pl.DataFrame, names: Sequence[str], unit: str, zone: str, look: Look) -> Figure:
    """Stacked areas in the order of ``names``, the first at the bottom.

    Args:
        over: ``at`` (date, or moment in UTC), ``name`` and ``bytes``; a missing one is zero.
        names: series in order.
        unit: hour or day.
        zone: what hours are shown in.
        look: colours.
    """
    if over.schema["at"] != pl.Date:
        over = over.with_columns(pl.col("at").dt.convert_time_zone(zone).dt.replace_time_zone(None))
    at = over.get_column("at").unique().sort().to_list()
    colours = look.colour_by_name(names)
    data = []
    for name in names:
        rows = dict(over.filter(pl.col("name") == name).select("at", "bytes").iter_rows())
        if not rows:
            continue
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "stackgroup": "all",
                "name": name,
                "x": at,
                "y": [rows.get(one, 0) for one in at],
                "line": {"width": 0.5, "color": colours[name]},
                "fillcolor": colours[name],
                "hovertemplate": "%{y:.3s}B",
            }
        )
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat=None if unit == "hour" else "%-d %b"),
        "yaxis": bytes_axis(look, f"Bytes a {unit}, both ways"),
    }
    return {"data": data, "layout": layout(look, 400, hovermode="x unified", **axes)}


def share_card(view: View, parts: pl.DataFrame) -> Component:
    """Shares of the categories; a click goes into one."""
    shown = parts.filter(~pl.col("is_suppressed")).sort("bytes", descending=True)
    total = parts.get_column("bytes").sum()
    first = shown.head(1).to_dicts()
    text = f"{first[0]['name']} makes up {units.share(first[0]['bytes'] / total)}." if first and total else ""
    note = "Of the bytes shown; click a bar to go into it"
    figure = share_figure(shown, view.look)
    return components.chart("Share", figure, text, "categories-share", note=note, span=4, picks="within")


def share_figure(parts: pl.DataFrame, look: Look) -> Figure:
    """Bars of the shares of ``parts`` (``name``, ``bytes``), the largest on top."""
    rows = parts.sort("bytes").tail(12)
    total = parts.get_column("bytes").sum() or 1
    names = rows.get_column("name").to_list()
    colours = look.colour_by_name(parts.sort("bytes", descending=True).get_column("name").to_list())
    shares = [volume / total for volume in rows.get_column("bytes").to_list()]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "y": names,
        "customdata": names,
        "text": [units.share(share) for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [colours[name] for name in names]},
        "hovertemplate": "%{y}<br>%{x:.2%}<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Share of bytes", tickformat=".0%", nticks=4, range=[0, max(shares, default=1) * 1.25]),
        "yaxis": axis(look, showgrid=False, ticksuffix=" "),
    }
    return {"data": [bars], "layout": layout(look, 400, bargap=0.3, showlegend=False, **axes)}


def table_card(view: View, parts: pl.DataFrame) -> Component:
    """Least, mean, p95, most and total of each category, with the change where it is asked for."""
    figures = traffic.hourly_figures(view.reader, view.filters, view.period, view.day)
    shown = parts.filter(~pl.col("is_suppressed")).select("name", "flows", "customers")
    rows = figures.join(shown, on="name", how="inner", maintain_order="left")
    total = rows.get_column("total").sum() or 1
    rows = rows.with_columns((pl.col("total") / total).alias("share"), pl.col("name").alias("pick"))
    columns = [
        column("name", "Category", minWidth=190),
        column("least", "Minimum", "bytes", headerTooltip="Bytes in the quietest hour"),
        column("mean", "Average", "bytes", headerTooltip="Mean bytes an hour"),
        column("p95", "p95", "bytes", headerTooltip="The top 5 % of hours dropped, the next one"),
        column("most", "Maximum", "bytes", headerTooltip="Bytes in the busiest hour"),
        column("total", "Total", "bytes", sort="desc"),
        column("share", "Share", "share"),
        column("flows", "Flows", "count"),
        column("customers", "Customers", "count"),
    ]
    if view.previous:
        rows = with_change(rows, told_parts(view, view.previous))
        columns.append(column("change", "Change", "change", headerTooltip="Of the total, on the previous period"))
    label = "Minimum, average, p95, maximum and total by category"
    table = components.grid(
        rows.to_dicts(), columns, "categories-table", label=label, picks="within", csv="categories.csv"
    )
    note = f"Bytes an hour, both ways; click a row to go into it.{hidden_note(parts, view.minimum)}"
    return components.card("By category", table, note=note)


def with_change(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (``name``, ``total``) and ``change`` on ``before`` (``name``, ``bytes``); null where there was none."""
    earlier = before.select("name", pl.col("bytes").alias("earlier"))
    joined = rows.join(earlier, on="name", how="left", maintain_order="left")
    change = pl.when(pl.col("earlier") > 0).then(pl.col("total") / pl.col("earlier") - 1)
    return joined.with_columns(change.alias("change")).drop("earlier")


def services(view: View, filters: Filters) -> list[Component]:
    """Services of a category over time and as a table."""
    told = told_services(view, filters)
    if not told.height:
        return [components.nothing_found()]
    over = traffic.over_time(view.reader, filters, view.period, view.day, "service")
    total = over.get_column("bytes").sum() or 1
    shown = told.filter(~pl.col("is_suppressed"))
    rows = shown.head(SERVICES_SHOWN).with_columns(
        (pl.col("bytes") / total).alias("share"), pl.col("name").alias("pick")
    )
    columns = [
        column("name", "Service", minWidth=190),
        column("bytes", "Bytes", "bytes", sort="desc"),
        column("share", "Share", "share"),
        column("flows", "Flows", "count"),
    ]
    label = "Services of the category"
    table = components.grid(
        rows.to_dicts(), columns, "services-table", label=label, picks="service", csv="services.csv"
    )
    more = f", the {SERVICES_SHOWN} largest of {shown.height:,}" if shown.height > SERVICES_SHOWN else ""
    return [
        area_card(view, over, told, "Services over time"),
        components.card("Services", table, note=f"Click a row for its ports{more}", span=4),
    ]


def told_services(view: View, filters: Filters) -> pl.DataFrame:
    """Bytes and flows of the services of a category, those of few own addresses hidden."""
    parts = traffic.by_part(view.reader, filters, view.period, view.day, "service")
    counts = traffic.addresses_by_service(view.reader, view.period)
    return suppress(customers.with_customers(parts, counts, "name"), "customers", view.minimum, ["bytes", "flows"])


def ports(view: View, filters: Filters, category: str, service: str) -> list[Component]:
    """Ports and protocols of a service that the list of services shows."""
    parts = traffic.ports_of(view.reader, service, category, view.period)
    if not parts.height:
        return [components.nothing_found()]
    if service not in shown_names(told_services(view, filters)):
        return [components.too_small(view.minimum)]
    told = suppress(parts, "own_addresses", view.minimum, ["bytes", "flows"])
    shown = told.filter(~pl.col("is_suppressed")).with_columns(
        pl.col("port").cast(pl.String).fill_null("49152 and up, or none"),
    )
    columns = [
        column("protocol", "Protocol"),
        column("port", "Port"),
        column("bytes", "Bytes", "bytes", sort="desc"),
        column("flows", "Flows", "count"),
    ]
    label = f"Ports and protocols of {service}"
    table = components.grid(shown.head(SERVICES_SHOWN).to_dicts(), columns, "ports-table", label=label, csv="ports.csv")
    hidden = told.height - shown.height
    note = "Of flows that began in these days of UTC."
    if hidden:
        note += f" {hidden} are hidden, as fewer than {view.minimum} own addresses used one of them on any day."
    return [components.card(label, table, note=note)]


PAGE = Page(
    path="/categories",
    name="Traffic categories",
    question="What is the traffic, and how do its kinds grow and shrink?",
    relations=(TRAFFIC_BY_HOUR, TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY, CUSTOMER_CATEGORIES),
    render=render,
    more_relations=(SERVER_PORTS, PROTOCOLS),
    parameters=("within", "service"),
    limits=limits,
)
