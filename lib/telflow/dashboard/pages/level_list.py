"""The customers at a UFM level: the list, and the file it is exported to."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import polars as pl
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.compose import resolve
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import format_query, parse_query
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import segments
from telflow.dashboard.queries.everybody import Everybody, with_groups
from telflow.dashboard.relations import SCORES
from telflow.privacy.suppression import SUPPRESSED
from telflow.settings import Settings

ROWS_SHOWN: Final = 500


def everybody_scored(view: View, as_of: date) -> Everybody:
    """Customers with UFM scores, and whom of them the filters choose."""
    base = with_groups(view.reader, segments.scored(view.reader, segments.UFM, as_of), as_of)
    return Everybody(base, view.groups, view.minimum)


def shown_levels(levels: Everybody) -> list[str]:
    """UFM levels that are large enough to be listed, the largest first."""
    names: list[str] = levels.told("level").filter(~pl.col(SUPPRESSED)).get_column("level").to_list()
    return names


def chosen_level(view: View, shown: Sequence[str]) -> str:
    """The level that the address names, or the largest; empty where there is none."""
    return view.filters.parameter("level") or (shown[0] if shown else "")


def list_cards(view: View, levels: Everybody, path: str, as_of: date) -> list[Component]:
    """Links to the levels, and the customers at the chosen one."""
    shown = shown_levels(levels)
    level = chosen_level(view, shown)
    links = [(name, f"{path}{format_query(view.filters.with_parameters(level=name))}", name == level) for name in shown]
    choice = components.chips("Customers at level", links)
    if level not in shown:
        text = f"No level {level} with at least {view.minimum} customers is there: choose one of those above."
        return [choice, components.words("This level cannot be listed", text, "hidden")]
    rows = listed(levels, level)
    columns = [
        column("customer", "Customer", minWidth=200),
        column("segment", "Segment", minWidth=150),
        column("score", "Score", minWidth=80),
        column("usage", "Usage", minWidth=80),
        column("frequency", "Frequency", minWidth=100),
        column("count", "Count", minWidth=80),
        column("bytes", "Bytes", "bytes", sort="desc"),
    ]
    title = f"Customers at level {level}"
    table = components.grid(rows.head(ROWS_SHOWN).to_dicts(), columns, "level-list", label=title)
    note = f"{units.count(rows.height)} customers by tokens as of {units.day(as_of)}: who may see them can count them"
    note += f"; the {ROWS_SHOWN} with most bytes are shown, the file holds all" if rows.height > ROWS_SHOWN else ""
    button = html.Button("Export all as CSV", id="level-export", className="button", type="button")
    return [choice, components.card(title, table, button, dcc.Download(id="level-file"), note=note)]


def listed(levels: Everybody, level: str) -> pl.DataFrame:
    """Customers at ``level``, most bytes first."""
    columns = ("customer", "score", "usage", "frequency", "count", "bytes", "last_active_days", "segment")
    return levels.own.filter(pl.col("level") == level).select(columns)


def register_export(app: Dash, page: Page, reader: Reader, settings: Settings) -> None:
    """The export of the list: made when it is asked for, of what the page's address chooses."""

    @app.callback(
        Output("level-file", "data"),
        Input("level-export", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None, search: str | None) -> Any:
        return no_update if not clicks else exported(page, reader, settings, search)


def exported(page: Page, reader: Reader, settings: Settings, search: str | None) -> Any:
    """File with the list that the page shows at the address ``search``; nothing where it shows none."""
    view = resolve(reader, settings, page, parse_query(search, page.parameters)).view
    as_of = segments.date_in(reader, SCORES.name, view.filters.period)
    if as_of is None:
        return no_update
    levels = everybody_scored(view, as_of)
    shown = shown_levels(levels)
    level = chosen_level(view, shown)
    if level not in shown or levels.tells_of_few(levels.members(levels.base)):
        return no_update
    return {
        "content": listed(levels, level).write_csv(),
        "filename": f"customers-{level}-{as_of}.csv",
        "type": "text/csv",
    }
