"""Segments: what kinds of customers there are, how they score, who moved, and which runs found them."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from textwrap import wrap
from typing import Any, Final

import polars as pl
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.compose import resolve
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, format_query, parse_query
from telflow.dashboard.models import TRAINERS, tracked
from telflow.dashboard.page import Page, View
from telflow.dashboard.queries import segments
from telflow.dashboard.relations import MIGRATIONS, SCORES, SEGMENTS
from telflow.dashboard.run_cards import PARAMETERS, run_cards
from telflow.dashboard.style import Figure, Look, axis, blend, layout
from telflow.errors import TableMissingError, TelflowError
from telflow.privacy.suppression import hidden_groups, suppress
from telflow.settings import Settings

TOGETHER: Final = "Segments and scores are told of all customers together."
ROWS_SHOWN: Final = 500
MOST_DEVIATIONS: Final = 2.5
DEVIATION: Final = "_deviation"
NOWHERE: Final = "none"
FADED: Final = 0.7
DARK: Final = 0.18  # luminance at which black and white stand out alike
LETTERS_A_LINE: Final = 16
SCORES_SHOWN: Final = (1, 2, 3, 4, 5)


def limits(_: Filters) -> Mapping[str, str]:
    return {
        "zone": "Scores and segments look at days of the provider's own zone.",
        "category": TOGETHER,
        "plan": TOGETHER,
        "region": TOGETHER,
        "compare": "Who moved since the date before is shown below.",
    }


def stamp(settings: Settings) -> Hashable:
    """Changes with the runs that are shown."""
    store = tracked(settings.mlflow)
    return tuple(store.stamp(target) for target in TRAINERS)


def render(view: View) -> list[Component]:
    """Segments, levels, the RFM grid, moves, the list of a level, and the runs."""
    as_of = segments.date_in(view.reader, SCORES.name, view.filters.period)
    if as_of is None:
        return [components.nothing_found()]
    sizes, profiles = segment_cards(view)
    return [
        *sizes,
        level_card(view, as_of),
        *profiles,
        rfm_card(view, as_of),
        *move_cards(view),
        *list_cards(view, as_of),
        *run_cards(view, PAGE.path, tracked(view.settings.mlflow)),
    ]


def segment_cards(view: View) -> tuple[list[Component], list[Component]]:
    """Sizes of the segments, and what they are like."""
    try:
        as_of = segments.date_in(view.reader, SEGMENTS.name, view.filters.period)
    except TableMissingError as error:
        return [components.words("Segments cannot be shown", str(error), "missing")], []
    if as_of is None:
        return [components.words("There are no segments yet", f"Run {SEGMENTS.writer}.", "missing")], []
    found = segments.sizes(view.reader, as_of)
    told = suppress(found, "customers", view.minimum, [])
    note = f"Customers in each as of {units.day(as_of)}; click one to filter by it"
    card = tree_card("Segments", told, view, note=note, picks="segment", chosen=view.filters.segments)
    return [card], profile_cards(view, told)


def level_card(view: View, as_of: date) -> Component:
    """Sizes of the UFM levels."""
    found = segments.levels(view.reader, segments.UFM, as_of)
    told = suppress(found, "customers", view.minimum, ["bytes"])
    level = view.filters.parameter("level")
    note = f"Customers by usage, frequency and count as of {units.day(as_of)}; click one for its customers"
    return tree_card("UFM levels", told, view, note=note, picks="level", chosen=(level,) if level else ())


def tree_card(title: str, told: pl.DataFrame, view: View, *, note: str, picks: str, chosen: Sequence[str]) -> Component:
    """A treemap of groups."""
    shown = told.filter(~pl.col("is_suppressed"))
    total = sum(shown.get_column("customers").to_list()) or 1
    largest = "; ".join(
        f"{row['name']} {units.count(row['customers'])} ({units.share(row['customers'] / total)})"
        for row in shown.head(3).to_dicts()
    )
    hidden = told.height - shown.height
    text = f"Largest: {largest}." if largest else "No group is large enough to be shown."
    text += f" {hidden} are hidden, as fewer than {view.minimum} customers are in one of them." if hidden else ""
    figure = tree_figure(shown, view.look, chosen)
    return components.chart(title, figure, text, f"{picks}-tree", note=note, span=6, picks=picks)


def tree_figure(shown: pl.DataFrame, look: Look, chosen: Sequence[str] = ()) -> Figure:
    """Treemap of groups (``name``, ``customers``); the ``chosen`` stand out, where any are."""
    names = shown.get_column("name").to_list()
    colours = [look.colours[at % len(look.colours)] for at in range(len(names))]
    faded = [
        colour if not chosen or name in chosen else blend(colour, look.surface, FADED)
        for name, colour in zip(names, colours, strict=True)
    ]
    tree = {
        "type": "treemap",
        "labels": names,
        "parents": [""] * len(names),
        "values": shown.get_column("customers").to_list(),
        "text": ["<br>".join(wrap(name, LETTERS_A_LINE)) for name in names],
        "marker": {"colors": faded, "line": {"width": 2, "color": look.surface}},
        "texttemplate": "<b>%{text}</b><br>%{value:,}<br>%{percentRoot:.1%}",
        "textfont": {"size": 13, "color": [readable_on(colour) for colour in faded]},
        "hovertemplate": "%{label}<br>%{value:,} customers, %{percentRoot:.1%}<extra></extra>",
        "tiling": {"pad": 2},
        "pathbar": {"visible": False},
    }
    more: dict[str, Any] = {"margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "uniformtext": {"minsize": 10, "mode": "hide"}}
    return {"data": [tree], "layout": layout(look, 340, **more)}


def readable_on(colour: str) -> str:
    """Black or white, whichever stands out more from ``colour`` (#rrggbb), by relative luminance."""
    linear = [(int(colour[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > DARK else "#ffffff"


def profile_cards(view: View, told: pl.DataFrame) -> list[Component]:
    """What the segments are like, as the run of their model tells it."""
    models = told.select("model", "model_version").unique().rows()
    shown = told.filter(~pl.col("is_suppressed")).get_column("name").to_list()
    wanted = [name for name in shown if not view.filters.segments or name in view.filters.segments]
    if not models:
        return []
    name, version = models[0]
    try:
        rows = tracked(view.settings.mlflow).centres(name, version)
    except TelflowError as error:
        return [components.words("Profiles cannot be shown", str(error), "error")]
    profiles = {str(row["segment"]): row for row in rows if row["segment"] in wanted}
    if not profiles:
        text = (
            f"MLflow holds no profiles of {name} version {version}: run {TRAINERS['segments']} where its runs are kept."
        )
        return [components.words("Profiles cannot be shown", text, "missing")]
    figure = profile_figure(profiles, view.look)
    note = f"Standard deviations from the mean of all customers, {name} version {version}"
    return [components.chart("What segments are like", figure, standing_out(profiles), "profiles", note=note)]


def readable(feature: str) -> str:
    """Name of a feature for a reader."""
    return feature.removeprefix("share_").replace("_", " ")


def deviations(row: Mapping[str, object]) -> dict[str, float]:
    """Deviation of each feature of a profile that has one."""
    found = {name.removesuffix(DEVIATION): value for name, value in row.items() if name.endswith(DEVIATION)}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def standing_out(profiles: Mapping[str, Mapping[str, object]]) -> str:
    """For each segment the feature that lies farthest from everybody's, in words."""
    told = []
    for segment, row in profiles.items():
        far = max(deviations(row).items(), key=lambda each: abs(each[1]), default=None)
        if far is not None:
            told.append(f"{segment}: {readable(far[0])} {far[1]:+.1f}".replace("-", units.MINUS))
    return "Farthest from the mean: " + "; ".join(told) + "."


def profile_figure(profiles: Mapping[str, Mapping[str, object]], look: Look) -> Figure:
    """Heat map of deviations: a row for each segment, a column for each feature."""
    features = list(dict.fromkeys(name for row in profiles.values() for name in deviations(row)))
    values = [[deviations(row).get(name) for name in features] for row in profiles.values()]
    heat = {
        "type": "heatmap",
        "x": [readable(name) for name in features],
        "y": list(profiles),
        "z": values,
        "zmin": -MOST_DEVIATIONS,
        "zmax": MOST_DEVIATIONS,
        "colorscale": diverging(look),
        "xgap": 2,
        "ygap": 2,
        "texttemplate": "%{z:.1f}",
        "colorbar": {"thickness": 12, "outlinewidth": 0, "title": {"text": ""}},
        "hovertemplate": "%{y}, %{x}<br>%{z:+.2f} standard deviations<extra></extra>",
        "hoverongaps": False,
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickangle=-40),
        "yaxis": axis(look, showgrid=False, autorange="reversed", ticksuffix=" "),
    }
    return {"data": [heat], "layout": layout(look, 180 + 44 * len(profiles), **axes)}


def diverging(look: Look) -> list[list[object]]:
    """Colours from below to above the mean, which the colour-blind tell apart."""
    return [[0.0, look.colours[0]], [0.5, "#f4f7fa" if look.scheme == "light" else "#2b3036"], [1.0, look.colours[1]]]


def rfm_card(view: View, as_of: date) -> Component:
    """Recency by frequency, with what they carry."""
    found = segments.rfm_grid(view.reader, as_of)
    told = suppress(found, "customers", view.minimum, ["bytes"])
    hidden = int(told.get_column("is_suppressed").sum())
    shown = told.filter(~pl.col("is_suppressed"))
    if not shown.height:
        return components.card("RFM grid", note=f"No cell holds {view.minimum} customers as of {units.day(as_of)}.")
    most = shown.sort("customers", descending=True).row(0, named=True)
    text = (
        f"Most customers have recency {most['recency']} and frequency {most['frequency']}: "
        f"{units.count(most['customers'])}, {units.volume(most['bytes'])} on average."
    )
    text += f" {hidden} cells are hidden: too few customers are in one of them." if hidden else ""
    note = f"Customers by recency and frequency score, 5 is best; colour is the mean volume. As of {units.day(as_of)}"
    return components.chart("RFM grid", rfm_figure(shown, view.look), text, "rfm-grid", note=note, span=6)


def rfm_figure(shown: pl.DataFrame, look: Look) -> Figure:
    """Heat map of ``recency`` by ``frequency``: ``customers`` as numbers, mean ``bytes`` as colour."""
    cells = {(row["recency"], row["frequency"]): row for row in shown.to_dicts()}
    grid = [[cells.get((recency, frequency)) for recency in SCORES_SHOWN] for frequency in SCORES_SHOWN]
    heat = {
        "type": "heatmap",
        "x": [str(score) for score in SCORES_SHOWN],
        "y": [str(score) for score in SCORES_SHOWN],
        "z": [[cell["bytes"] if cell else None for cell in row] for row in grid],
        "text": [[units.count(cell["customers"]) if cell else "" for cell in row] for row in grid],
        "texttemplate": "%{text}",
        "colorscale": look.sequential,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"tickformat": "~s", "ticksuffix": "B", "thickness": 12, "outlinewidth": 0, "title": {"text": ""}},
        "hovertemplate": "recency %{x}, frequency %{y}<br>%{text} customers<br>%{z:.3s}B on average<extra></extra>",
        "hoverongaps": False,
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Recency score", showgrid=False, type="category"),
        "yaxis": axis(look, "Frequency score", showgrid=False, type="category"),
    }
    return {"data": [heat], "layout": layout(look, 360, **axes)}


def move_cards(view: View) -> list[Component]:
    """Who moved between two dates."""
    try:
        segmented = segments.date_in(view.reader, SEGMENTS.name, view.filters.period)
        as_of = segments.newest_move(view.reader, segmented) if segmented else None
    except TableMissingError as error:
        return [components.words("Moves cannot be shown", str(error), "missing")]
    if as_of is None:
        text = "Segments of two dates are needed, told by one version: run jobs/assign_segments.py for another date."
        return [components.words("Nobody moved yet", text, "missing")]
    found = segments.moves(view.reader, as_of)
    since = found.item(0, "since")
    cells = list(found.select("source", "target", "customers").iter_rows())
    hidden = hidden_groups({(source, target): customers for source, target, customers in cells}, view.minimum)
    shown = [cell for cell in cells if cell[:2] not in hidden and is_wanted(cell, view.filters.segments)]
    stayed = sum(customers for source, target, customers in shown if source == target)
    moved = sorted((cell for cell in shown if cell[0] != cell[1]), key=lambda cell: -cell[2])
    text = f"{units.count(stayed)} customers stayed where they were."
    if moved:
        text += f" Most moved from {named(moved[0][0])} to {named(moved[0][1])}: {units.count(moved[0][2])}."
    text += f" {len(hidden)} ways are left out: too few took one of them." if hidden else ""
    note = f"From {units.day(since)} to {units.day(as_of)}; width is customers"
    return [components.chart("Who moved", moves_figure(shown, view.look), text, "moves", note=note, span=6)]


def is_wanted(cell: tuple[str, str, int], chosen: Sequence[str]) -> bool:
    """Whether a way begins or ends in a chosen segment."""
    return not chosen or cell[0] in chosen or cell[1] in chosen


def named(segment: str) -> str:
    """A segment's name, in words where it is none."""
    return "in no segment" if segment == NOWHERE else segment


def moves_figure(cells: Sequence[tuple[str, str, int]], look: Look) -> Figure:
    """Customers from the segments of one date to those of the next; who stayed is pale."""
    sources = list(dict.fromkeys(source for source, _, _ in cells))
    targets = list(dict.fromkeys(target for _, target, _ in cells))
    names = list(dict.fromkeys([*sources, *targets]))
    colours = look.colour_by_name([name for name in names if name != NOWHERE])
    grey = look.faint
    sankey = {
        "type": "sankey",
        "arrangement": "snap",
        "valueformat": ",",
        "valuesuffix": " customers",
        "textfont": {"color": look.ink, "size": 12, "shadow": "none"},
        "node": {
            "label": [named(name) for name in (*sources, *targets)],
            "color": [colours.get(name, grey) for name in (*sources, *targets)],
            "pad": 14,
            "thickness": 14,
            "line": {"width": 0},
        },
        "link": {
            "source": [sources.index(source) for source, _, _ in cells],
            "target": [len(sources) + targets.index(target) for _, target, _ in cells],
            "value": [customers for _, _, customers in cells],
            "color": [colours.get(target, grey) + ("33" if source == target else "99") for source, target, _ in cells],
        },
    }
    return {"data": [sankey], "layout": layout(look, 360)}


def shown_levels(view: View, as_of: date) -> list[str]:
    """UFM levels that are large enough to be listed, the largest first."""
    told = suppress(segments.levels(view.reader, segments.UFM, as_of), "customers", view.minimum, ["bytes"])
    names: list[str] = told.filter(~pl.col("is_suppressed")).get_column("name").to_list()
    return names


def chosen_level(view: View, shown: Sequence[str]) -> str:
    """The level that the address names, or the largest; empty where there is none."""
    return view.filters.parameter("level") or (shown[0] if shown else "")


def list_cards(view: View, as_of: date) -> list[Component]:
    """Links to the levels, and the customers at the chosen one."""
    shown = shown_levels(view, as_of)
    level = chosen_level(view, shown)
    links = [
        (name, f"{PAGE.path}{format_query(view.filters.with_parameters(level=name))}", name == level) for name in shown
    ]
    choice = components.chips("Customers at level", links)
    if level not in shown:
        text = f"No level {level} with at least {view.minimum} customers is there: choose one of those above."
        return [choice, components.words("This level cannot be listed", text, "hidden")]
    rows = listed(view, as_of, level)
    if rows.height < view.minimum:
        return [choice, components.too_small(view.minimum)]
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
    note = f"{units.count(rows.height)} customers, by tokens, as of {units.day(as_of)}"
    note += f"; the {ROWS_SHOWN} with most bytes are shown, the file holds all" if rows.height > ROWS_SHOWN else ""
    button = html.Button("Export all as CSV", id="level-export", className="button", type="button")
    return [choice, components.card(title, table, button, dcc.Download(id="level-file"), note=note)]


def listed(view: View, as_of: date, level: str) -> pl.DataFrame:
    """Customers at ``level``, with their segments where these are there."""
    try:
        segmented = segments.date_in(view.reader, SEGMENTS.name, view.filters.period)
        return segments.customers_at(view.reader, as_of, level, segmented, view.filters.segments)
    except TableMissingError:
        return segments.customers_at(view.reader, as_of, level, None)


def register(app: Dash, reader: Reader, settings: Settings) -> None:
    """The export of the list: made when it is asked for, of what the page's address chooses."""

    @app.callback(
        Output("level-file", "data"),
        Input("level-export", "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    def export(clicks: int | None, search: str | None) -> Any:
        return no_update if not clicks else exported(reader, settings, search)


def exported(reader: Reader, settings: Settings, search: str | None) -> Any:
    """File with the list that the page shows at the address ``search``; nothing where it shows none."""
    view = resolve(reader, settings, PAGE, parse_query(search, PAGE.parameters)).view
    as_of = segments.date_in(reader, SCORES.name, view.filters.period)
    shown = shown_levels(view, as_of) if as_of else []
    level = chosen_level(view, shown)
    if as_of is None or level not in shown:
        return no_update
    rows = listed(view, as_of, level)
    if rows.height < view.minimum:
        return no_update
    return {"content": rows.write_csv(), "filename": f"customers-{level}-{as_of}.csv", "type": "text/csv"}


PAGE = Page(
    path="/segments",
    name="Segments",
    question="What kinds of customers are there, and how do they change?",
    relations=(SCORES,),
    render=render,
    more_relations=(SEGMENTS, MIGRATIONS),
    parameters=("level", *PARAMETERS),
    limits=limits,
    register=register,
    stamp=stamp,
)
