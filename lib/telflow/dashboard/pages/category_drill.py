"""Inside a category: its services over time and as a table, and the ports of one of them."""

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.components import column
from telflow.dashboard.figures.categories import area_figure
from telflow.dashboard.figures.shapes import with_rest
from telflow.dashboard.filters import Filters
from telflow.dashboard.page import View
from telflow.dashboard.pages.refusals import not_counted
from telflow.dashboard.queries import traffic, types
from telflow.dashboard.queries.extent import uncounted_days
from telflow.dashboard.queries.types import days_touched
from telflow.dashboard.relations import TRAFFIC_BY_DAY, TRAFFIC_TYPES
from telflow.dashboard.style import REST
from telflow.privacy.suppression import SUPPRESSED, blank

SERVICES_SHOWN = 200


def inside(view: View, filters: Filters, service: str | None) -> list[Component]:
    """Services of the one category of ``filters``, or the ports of a ``service``; words while nobody counted them.

    Raises:
        TableMissingError: nobody was ever counted.
    """
    days = days_touched(view.period, view.zone, "UTC")
    uncounted = uncounted_days(view.reader, TRAFFIC_BY_DAY, TRAFFIC_TYPES, "utc_date", days)
    if uncounted:
        return [not_counted(uncounted, TRAFFIC_TYPES)]
    return ports(view, filters, service) if service else services(view, filters)


def services(view: View, filters: Filters) -> list[Component]:
    """Services of the one category of ``filters`` over time and as a table."""
    told = told_services(view, filters)
    if not told.height:
        return [components.nothing_found()]
    over = traffic.over_time(view.reader, filters, view.period, view.day, "service")
    total = over.get_column("bytes").sum() or 1
    shown = told.filter(~pl.col(SUPPRESSED))
    rows = shown.head(SERVICES_SHOWN).with_columns(
        (pl.col("bytes") / total).alias("share"), pl.col("name").alias("pick")
    )
    columns = [
        column("name", "Service", minWidth=104),
        column("bytes", "Bytes", "bytes", sort="desc", minWidth=98),
        column("share", "Share", "share", minWidth=70),
        column("flows", "Flows", "count", minWidth=74),
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
    """``name``, ``bytes`` and ``flows`` of the services of a category, those that few customers use hidden."""
    parts = traffic.by_part(view.reader, filters, view.period, view.day, "service")
    hidden = types.hidden_services(view.reader, days_touched(view.period, view.zone, "UTC"), view.minimum)
    category = filters.categories[0]
    return blank(parts, [(category, name) in hidden for name in parts.get_column("name").to_list()], ["bytes", "flows"])


def ports(view: View, filters: Filters, service: str) -> list[Component]:
    """Ports and protocols of a service that the list of services shows."""
    told = told_services(view, filters)
    if service not in told.get_column("name").to_list():
        return [components.nothing_found()]
    if service not in shown_names(told):
        return [components.too_small(view.minimum)]
    found = types.ports_of(view.reader, (filters.categories[0], service), view.period, view.minimum)
    if not found.height:
        return [components.too_small(view.minimum)]
    rows = found.head(SERVICES_SHOWN).with_columns(pl.col("port").cast(pl.String).fill_null("49152 and up, or none"))
    columns = [
        column("protocol", "Protocol"),
        column("port", "Port"),
        column("bytes", "Bytes", "bytes", sort="desc"),
        column("flows", "Flows", "count"),
    ]
    label = f"Ports and protocols of {service}"
    table = components.grid(rows.to_dicts(), columns, "ports-table", label=label, csv="ports.csv")
    note = (
        "Of flows that began in these days of UTC. What fewer than "
        f"{view.minimum} customers used on a day is left out of that day."
    )
    return [components.card(label, table, note=note)]


def area_card(view: View, over: pl.DataFrame, parts: pl.DataFrame, title: str) -> Component:
    """Bytes over time, stacked; what of ``parts`` is hidden is not in it."""
    names = shown_names(parts)
    largest = names[: len(view.look.colours)]
    has_hidden = bool(parts.get_column(SUPPRESSED).any())
    kept = over.filter(pl.col("name").is_in(names)) if has_hidden else over
    unit = "hour" if over.schema["at"] != pl.Date else "day"
    text = f"Largest: {', '.join(largest[:3])}.{hidden_note(parts, view.minimum)}"
    figure = area_figure(with_rest(kept, largest), [*largest, REST], unit, view.zone, view.look)
    return components.chart(title, figure, text, "categories-area", note=f"Bytes by {unit}, in {view.zone}", span=8)


def shown_names(parts: pl.DataFrame) -> list[str]:
    """Names of what may be shown, the largest first."""
    shown = parts.filter(~pl.col(SUPPRESSED)).sort("bytes", descending=True)
    return shown.get_column("name").to_list()


def hidden_note(parts: pl.DataFrame, minimum: int) -> str:
    """How many parts are hidden, in words."""
    hidden = int(parts.get_column(SUPPRESSED).sum())
    return f" {hidden} are hidden, as too few customers (below {minimum}) use them." if hidden else ""
