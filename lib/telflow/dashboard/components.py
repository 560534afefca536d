"""Parts that pages are made of. Every chart comes with its words, so that nobody depends on seeing it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from telflow.dashboard import units
from telflow.dashboard.style import Figure, with_unit_ticks

PICK_GRAPH, PICK_GRID = "pick-graph", "pick-grid"  # a click on either sets a parameter in the address
TOOLS: Any = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "sendChartToCloud"],
    "plotlyServerURL": "",  # charts are sent nowhere
}


def aria(**words: str) -> dict[str, Any]:
    """Attributes for screen readers: ``label="..."`` is ``aria-label``."""
    return {f"aria-{name}": word for name, word in words.items()}


def card(title: str, *content: Component | str | None, note: str = "", span: int = 12) -> Component:
    """A box with a heading, ``span`` of twelve columns wide where the window is wide."""
    heading = [html.H2(title, className="card-title")]
    described = [html.P(note, className="card-note")] if note else []
    inside = [part for part in content if part is not None]
    return html.Section([*heading, *described, *inside], className=f"card span-{span}", **aria(label=title))


def chart(
    title: str, figure: Figure, summary: str, name: str, *, note: str = "", span: int = 12, picks: str = ""
) -> Component:
    """A figure in a box, with a sentence that says what it shows; ticks of volumes and rates have their units.

    Args:
        title: of the box.
        figure: data and layout.
        summary: what it shows, in words; read in its place by who cannot see it.
        name: identifies it on the page.
        note: how it is measured.
        span: columns of twelve.
        picks: parameter of the address that a click on the figure sets, to the ``customdata`` of what was clicked. The
            page needs another way to it, such as a row or chips: bars cannot be reached by the keyboard.
    """
    identity: str | dict[str, str] = {"type": PICK_GRAPH, "parameter": picks, "name": name} if picks else name
    graph = dcc.Graph(id=identity, figure=with_unit_ticks(figure), config=TOOLS, className="graph")
    role = "group" if picks else "img"  # nothing within an image can be clicked
    seen = html.Div(graph, role=role, **aria(label=f"{title}. {summary}"))
    return card(title, seen, html.P(summary, className="summary"), note=note, span=span)


def tile(
    label: str,
    value: str,
    note: str = "",
    change: float | None = None,
    *,
    compared: bool = False,
    since: str = "on the previous period",
) -> Component:
    """A number with its name; with the change ``since`` before where that is ``compared``."""
    parts: list[Component] = [html.Dt(label), html.Dd(value, className="tile-value")]
    if compared:
        told = "no earlier value" if change is None else f"{units.signed_share(change)} {since}"
        arrow = "" if not change else "▲ " if change > 0 else "▼ "
        parts.append(html.Dd([html.Span(arrow, **aria(hidden="true")), told], className="tile-change"))
    if note:
        parts.append(html.Dd(note, className="tile-note"))
    return html.Dl(parts, className="tile")


def tiles(*content: Component) -> Component:
    """Tiles in a row."""
    return html.Div(list(content), className="tiles span-12")


def words(title: str, text: str, kind: str = "empty", *more: Component) -> Component:
    """What a page says where it has nothing to draw: empty, missing, hidden or error."""
    colour = {"empty": "gray", "missing": "yellow", "hidden": "grape", "error": "red"}[kind]
    told: Component = dmc.Alert(
        [text, *more],
        title=title,
        color=colour,
        variant="light",
        className=f"words words-{kind} span-12",
    )
    return told


def too_small(minimum: int) -> Component:
    """What stands in the place of a group that is too small to be shown."""
    return words(
        "This group is too small to be shown",
        f"What was chosen, or what sets it apart from another choice, is fewer than {minimum} customers on some day. "
        "Numbers of so few would tell of single people. Choose more, or all of them.",
        "hidden",
    )


def nothing_found() -> Component:
    """What stands in the place of no rows."""
    return words(
        "Nothing was seen",
        "The filters leave no traffic in these days. Choose a longer period, or clear some filters.",
    )


def column(name: str, title: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    """A column of a grid: text, or a number shown as one of ``words`` in telflow.js, such as bytes, count or share."""
    base: dict[str, Any] = {"field": name, "headerName": title, "sortable": True, "resizable": True}
    base["useValueFormatterForExport"] = False  # a file holds the numbers themselves
    if kind != "text":
        formatter = {"function": f"telflow.{kind}(params.value)"}
        base |= {"type": "rightAligned", "valueFormatter": formatter}
    return base | more


def grid(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Mapping[str, Any]],
    name: str,
    *,
    label: str,
    picks: str = "",
    csv: str = "",
) -> Component:
    """A table that can be sorted and filtered.

    Args:
        rows: by column; with ``picks``, the value that is set stands in ``pick``, and of a cell that leads elsewhere
            the address in ``link``. What has no column does not leave the server.
        columns: from ``column``.
        name: identifies it on the page.
        label: what it holds, for screen readers.
        picks: parameter of the address that a click on a row sets.
        csv: name of the file that it can be exported to.
    """
    identity: str | dict[str, str] = {"type": PICK_GRID, "parameter": picks, "name": name} if picks else name
    sent = [*[one["field"] for one in columns], *(["pick"] if picks else []), "link"]
    shown = [{name: row[name] for name in sent if name in row} for row in rows]
    height = min(46 + 42 * max(len(rows), 2), 480)
    table = dag.AgGrid(
        id=identity,
        rowData=shown,
        columnDefs=list(columns),
        columnSize="responsiveSizeToFit",
        defaultColDef={"minWidth": 90, "suppressHeaderMenuButton": True},
        dashGridOptions={"animateRows": False, "suppressCellFocus": False, "enableCellTextSelection": True},
        className="ag-theme-quartz grid",
        style={"height": f"{height}px"},
    )
    export = [export_button(identity, csv, label)] if csv else []
    return html.Div([table, *export], role="region", **aria(label=label))


def export_button(grid_id: str | dict[str, str], file: str, label: str) -> Component:
    """A button that saves what a grid shows, as it is sorted and filtered; the browser does it alone."""
    told: dict[str, Any] = {"data-grid": json.dumps(grid_id), "data-file": file}
    return html.Button(
        "Export to CSV", className="export", type="button", **told, **aria(label=f"{label}: export to CSV")
    )


def chips(label: str, links: Sequence[tuple[str, str, bool]]) -> Component:
    """A choice of few: names, addresses, and whether each is the one chosen."""
    items = [
        html.Li(
            dcc.Link(name, href=address, className="chip is-chosen" if is_here else "chip"),
            **(aria(current="true") if is_here else {}),
        )
        for name, address, is_here in links
    ]
    told = html.Span(label, className="chips-label")
    return html.Nav([told, html.Ul(items)], className="chips span-12", **aria(label=label))


def crumbs(steps: Sequence[tuple[str, str]]) -> Component:
    """Where one is in a drill-down: names and the addresses they lead back to."""
    links: list[Component] = []
    for at, (name, address) in enumerate(steps):
        is_here = at == len(steps) - 1
        links.append(html.Li(html.Span(name, **aria(current="page")) if is_here else dcc.Link(name, href=address)))
    return html.Nav(html.Ol(links), className="crumbs span-12", **aria(label="Drill-down"))
