"""Traffic categories over time and in numbers, down to services, and to ports and protocols."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.categories import share_figure
from telflow.dashboard.filters import Filters, Period, format_query
from telflow.dashboard.page import Page, View, segment_limits
from telflow.dashboard.pages.category_drill import area_card, hidden_note, inside
from telflow.dashboard.pages.refusals import refusal, whose_traffic
from telflow.dashboard.queries import customers, traffic
from telflow.dashboard.relations import (
    CUSTOMER_CATEGORIES,
    CUSTOMERS_BY_DAY,
    PROTOCOLS,
    SEGMENTS,
    TRAFFIC_BY_DAY,
    TRAFFIC_BY_HOUR,
    TRAFFIC_TYPES,
)
from telflow.errors import TableMissingError


def limits(filters: Filters) -> Mapping[str, str]:
    within = filters.parameter("within")
    if not within:
        return segment_limits(filters)
    back = "go back to all categories first."
    told = f"How many customers use a service is not kept by plan and region: {back}"
    return {
        "segment": f"Services and ports are not kept by customer: {back}",
        "category": f"You are inside the category {within}: go back to all of them first.",
        "plan": told,
        "region": told,
        "compare": f"Services and ports are shown of the chosen days alone: {back}",
    }


def render(view: View) -> list[Component]:
    """All categories, the services of one, or the ports of a service: the address says which."""
    within, service = view.filters.parameter("within"), view.filters.parameter("service")
    filters = replace(view.filters, categories=(within,)) if within else view.filters
    refused = refusal(view, filters, by_category=True)
    if refused:
        return [path_of(view), *refused]
    if not within:
        return [path_of(view), *categories(view)]
    try:
        return [path_of(view), *inside(view, filters, service)]
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
        *whose_traffic(view),
        area_card(view, over, parts, "Categories over time"),
        share_card(view, parts),
        table_card(view, parts),
    ]


def told_parts(view: View, period: Period) -> pl.DataFrame:
    """Bytes and flows of the categories in ``period``, small groups hidden."""
    parts = traffic.by_part(view.reader, view.filters, period, view.day, "category")
    guard = customers.guard_of(view.reader, view.filters, view.touched(period), view.minimum, by_category=True)
    return customers.told_categories(view.reader, parts, view.filters, period, guard)


def share_card(view: View, parts: pl.DataFrame) -> Component:
    """Shares of the categories; a click goes into one."""
    shown = parts.filter(~pl.col("is_suppressed")).sort("bytes", descending=True)
    total = parts.get_column("bytes").sum()
    first = shown.head(1).to_dicts()
    text = f"{first[0]['name']} makes up {units.share(first[0]['bytes'] / total)}." if first and total else ""
    note = "Of the bytes shown; click a bar to go into it"
    figure = share_figure(shown, view.look)
    return components.chart("Share", figure, text, "categories-share", note=note, span=4, picks="within")


def table_card(view: View, parts: pl.DataFrame) -> Component:
    """Least, mean, p95, most and total of each category, with the change where it is asked for."""
    figures = traffic.step_figures(view.reader, view.filters, view.period, view.day)
    shown = parts.filter(~pl.col("is_suppressed")).select("name", "flows", "customers")
    rows = figures.join(shown, on="name", how="inner", maintain_order="left")
    total = rows.get_column("total").sum() or 1
    rows = rows.with_columns((pl.col("total") / total).alias("share"), pl.col("name").alias("pick"))
    step, one = ("day", "a day") if view.filters.segments else ("hour", "an hour")
    columns = [
        column("name", "Category", minWidth=190),
        column("least", "Minimum", "bytes", headerTooltip=f"Bytes in the quietest {step}"),
        column("mean", "Average", "bytes", headerTooltip=f"Mean bytes {one}"),
        column("p95", "p95", "bytes", headerTooltip=f"The top 5 % of {step}s dropped, the next one"),
        column("most", "Maximum", "bytes", headerTooltip=f"Bytes in the busiest {step}"),
        column("total", "Total", "bytes", sort="desc"),
        column("share", "Share", "share"),
        *([] if view.filters.segments else [column("flows", "Flows", "count")]),
        column("customers", "Customers", "count"),
    ]
    if view.previous:
        rows = with_change(rows, told_parts(view, view.previous))
        columns.append(column("change", "Change", "change", headerTooltip="Of the total, on the previous period"))
    label = "Minimum, average, p95, maximum and total by category"
    table = components.grid(
        rows.to_dicts(), columns, "categories-table", label=label, picks="within", csv="categories.csv"
    )
    note = f"Bytes {one}, both ways; click a row to go into it.{hidden_note(parts, view.minimum)}"
    return components.card("By category", table, note=note)


def with_change(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (``name``, ``total``) and ``change`` on ``before`` (``name``, ``bytes``); null where there was none."""
    earlier = before.select("name", pl.col("bytes").alias("earlier"))
    joined = rows.join(earlier, on="name", how="left", maintain_order="left")
    change = pl.when(pl.col("earlier") > 0).then(pl.col("total") / pl.col("earlier") - 1)
    return joined.with_columns(change.alias("change")).drop("earlier")


PAGE = Page(
    path="/categories",
    name="Traffic categories",
    question="What is the traffic, and how do its kinds grow and shrink?",
    relations=(TRAFFIC_BY_HOUR, TRAFFIC_BY_DAY, CUSTOMERS_BY_DAY, CUSTOMER_CATEGORIES),
    render=render,
    more_relations=(SEGMENTS, TRAFFIC_TYPES, PROTOCOLS),
    parameters=("within", "service"),
    limits=limits,
)
