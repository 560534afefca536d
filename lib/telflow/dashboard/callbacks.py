"""Callbacks of the shell: the address decides what is shown, and inputs and clicks change the address alone."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from telflow.dashboard import components, shell
from telflow.dashboard.components import PICK_GRAPH, PICK_GRID
from telflow.dashboard.compose import Services, compose
from telflow.dashboard.filter_callbacks import register_filters
from telflow.dashboard.filters import LISTS, format_query, parse_query
from telflow.dashboard.queries.facts import is_synthetic

TREE = "currentPath"  # what points of a treemap alone have


def register(app: Dash, services: Services) -> None:
    """Add the callbacks of the shell and of every page to ``app``."""
    register_page(app, services)
    register_filters(app, services)
    register_picks(app, services)
    register_clientside(app)
    for page in services.pages:
        if page.register is not None:
            page.register(app, services.reader, services.settings)


def register_page(app: Dash, services: Services) -> None:
    """The address and the colour scheme make the page."""

    def fail(_: Exception) -> tuple[Any, ...]:
        told = components.words(
            "Something went wrong",
            "The page could not be made. Its cause is in the server's log; other pages and filters may work.",
            "error",
        )
        return [told], no_update, no_update, no_update, no_update, no_update

    @app.callback(
        Output("page", "children"),
        Output("problems", "children"),
        Output("footer", "children"),
        Output("navigation", "children"),
        Output("heading", "children"),
        Output("title", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("scheme", "data"),
        on_error=logged(app, fail),
    )
    def show_page(path: str | None, search: str | None, scheme: str | None) -> tuple[Any, ...]:
        answer = compose(services, path, search, "dark" if scheme == "dark" else "light")
        page = services.page(path)
        kept = format_query(answer.filters)
        name = page.name if page is not None else "Not found"
        return (
            answer.content,
            tell(answer.problems),
            shell.footer(
                answer.states,
                version("telflow"),
                "UTC" if answer.is_utc else services.settings.network.zone,
                is_synthetic=is_synthetic(services.reader),
            ),
            shell.navigation(services.pages, page.path if page is not None else "", kept),
            shell.heading(page, answer),
            f"{name} · {services.settings.dashboard.title}",
        )


def logged(app: Dash, fail: Callable[[Exception], tuple[Any, ...]]) -> Callable[[Exception], tuple[Any, ...]]:
    """``fail`` after the error has gone to the server's log."""

    def handle(error: Exception) -> tuple[Any, ...]:
        app.logger.error("a callback failed", exc_info=error)
        return fail(error)

    return handle


def tell(problems: Sequence[str]) -> list[Any]:
    """What of the address could not be used."""
    if not problems:
        return []
    return [
        dmc.Alert([dmc.List([dmc.ListItem(one) for one in problems])], title="Not everything applies", color="yellow")
    ]


def register_picks(app: Dash, services: Services) -> None:
    """A click on a figure or on a row sets the parameter that it stands for."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input({"type": PICK_GRAPH, "parameter": ALL, "name": ALL}, "clickData"),
        Input({"type": PICK_GRID, "parameter": ALL, "name": ALL}, "cellClicked"),
        State({"type": PICK_GRID, "parameter": ALL, "name": ALL}, "rowData"),
        State({"type": PICK_GRID, "parameter": ALL, "name": ALL}, "id"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def pick(_: Any, __: Any, rows: list[Any], grids: list[Any], search: str | None) -> Any:
        if not ctx.triggered or not ctx.triggered[0]["value"] or not ctx.triggered_id:
            return no_update
        parameter = ctx.triggered_id["parameter"]
        if ctx.triggered_id["type"] == PICK_GRAPH:
            picked = picked_point(ctx.triggered[0]["value"])
        else:
            at = grids.index(dict(ctx.triggered_id))
            picked = picked_row(ctx.triggered[0]["value"], rows[at])
        return no_update if picked is None else with_pick(search, parameter, picked, services.parameters)


def picked_point(click: dict[str, Any]) -> str | None:
    """What the clicked mark of a figure stands for: its ``customdata``, or the label of a treemap's.

    Dash cannot read the customdata of a treemap: it fails where a point has no number.
    """
    point = click["points"][0]
    data = point.get("label") if TREE in point else point.get("customdata")
    value = data[0] if isinstance(data, list) and data else data
    return value if isinstance(value, str) else None


def picked_row(click: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    """What the clicked row of a grid stands for: its ``pick``, where it has any."""
    at = click.get("rowId")
    value = rows[int(at)].get("pick") if at is not None and str(at).isdigit() and int(at) < len(rows) else None
    return value if isinstance(value, str) else None


def with_pick(search: str | None, parameter: str, value: str, parameters: Sequence[str]) -> str:
    """The query string with what was picked: a filter is set to it, a parameter too, a second click takes it away."""
    filters = parse_query(search, parameters).filters
    if parameter in LISTS:
        chosen = () if filters.values(parameter) == (value,) else (value,)
        return format_query(filters.choosing(parameter, chosen))
    again = filters.parameter(parameter) == value
    return format_query(filters.with_parameters(**{parameter: None if again else value}))


def register_clientside(app: Dash) -> None:
    """What needs no server: colour scheme, window title, small screens' navigation."""
    clientside: Callable[..., None] = app.clientside_callback
    clientside(
        ClientsideFunction("telflow", "set_scheme"),
        Output("provider", "forceColorScheme"),
        Output("scheme", "data"),
        Output("dark", "checked"),
        Input("dark", "checked"),
        State("scheme", "data"),
    )
    clientside(ClientsideFunction("telflow", "set_title"), Output("heading", "title"), Input("title", "data"))
    clientside(
        ClientsideFunction("telflow", "open_navigation"),
        Output("shell", "navbar"),
        Input("burger", "opened"),
        State("shell", "navbar"),
    )
