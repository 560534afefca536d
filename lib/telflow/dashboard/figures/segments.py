"""Figures of segments and levels."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import bytes_bar, colour_bar, heat_map, sankey
from telflow.dashboard.style import Figure, Look, axis, blend, layout

NOWHERE: Final = "none"
MOST_DEVIATIONS: Final = 2.5
DEVIATION: Final = "_deviation"
FADED: Final = 0.7
DARK: Final = 0.18  # luminance at which black and white stand out alike
LETTERS_A_LINE: Final = 16
SCORES_SHOWN: Final = (1, 2, 3, 4, 5)


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


def readable(feature: str) -> str:
    """Name of a feature for a reader."""
    return feature.removeprefix("share_").replace("_", " ")


def deviations(row: Mapping[str, object]) -> dict[str, float]:
    """Deviation of each feature of a profile that has one."""
    found = {name.removesuffix(DEVIATION): value for name, value in row.items() if name.endswith(DEVIATION)}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def profile_figure(profiles: Mapping[str, Mapping[str, object]], look: Look) -> Figure:
    """Heat map of deviations: a row for each segment, a column for each feature."""
    features = list(dict.fromkeys(name for row in profiles.values() for name in deviations(row)))
    values = [[deviations(row).get(name) for name in features] for row in profiles.values()]
    names, limits = [readable(name) for name in features], {"zmin": -MOST_DEVIATIONS, "zmax": MOST_DEVIATIONS}
    heat = heat_map(names, list(profiles), values, signed, diverging(look), colorbar=colour_bar(), **limits)
    heat["texttemplate"] = "%{z:.1f}"
    heat["hovertemplate"] = "%{y}, %{x}<br>%{hovertext} standard deviations<extra></extra>"
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickangle=-40),
        "yaxis": axis(look, showgrid=False, autorange="reversed", ticksuffix=" "),
    }
    return {"data": [heat], "layout": layout(look, 180 + 44 * len(profiles), **axes)}


def signed(value: float) -> str:
    """A deviation with its sign."""
    return f"{value:+.2f}".replace("-", units.MINUS)


def diverging(look: Look) -> list[list[object]]:
    """Colours from below to above the mean, which the colour-blind tell apart."""
    return [[0.0, look.colours[0]], [0.5, "#f4f7fa" if look.scheme == "light" else "#2b3036"], [1.0, look.colours[1]]]


def rfm_figure(shown: pl.DataFrame, look: Look) -> Figure:
    """Heat map of ``recency`` by ``frequency``: ``customers`` as numbers, mean ``bytes`` as colour."""
    cells = {(row["recency"], row["frequency"]): row for row in shown.to_dicts()}
    grid = [[cells.get((recency, frequency)) for recency in SCORES_SHOWN] for frequency in SCORES_SHOWN]
    scores = [str(score) for score in SCORES_SHOWN]
    sizes = [[cell["bytes"] if cell else None for cell in row] for row in grid]
    heat = heat_map(scores, scores, sizes, units.volume, look.sequential, colorbar=bytes_bar())
    heat["text"] = [[units.count(cell["customers"]) if cell else "" for cell in row] for row in grid]
    heat["texttemplate"] = "%{text}"
    heat["hovertemplate"] = (
        "recency %{x}, frequency %{y}<br>%{text} customers<br>%{hovertext} on average<extra></extra>"
    )
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Recency score", showgrid=False, type="category"),
        "yaxis": axis(look, "Frequency score", showgrid=False, type="category"),
    }
    return {"data": [heat], "layout": layout(look, 360, **axes)}


def named(segment: str) -> str:
    """A segment's name, in words where it is none."""
    return "in no segment" if segment == NOWHERE else segment


def moves_figure(cells: Sequence[tuple[str, str, int]], look: Look) -> Figure:
    """Customers from the segments of one date to those of the next; who stayed is pale."""
    sources = list(dict.fromkeys(source for source, _, _ in cells))
    targets = list(dict.fromkeys(target for _, target, _ in cells))
    names = dict.fromkeys([*sources, *targets])
    colours = {NOWHERE: look.faint, **look.colour_by_name([name for name in names if name != NOWHERE])}
    nodes = [(named(name), colours[name]) for name in (*sources, *targets)]
    links = [
        (
            sources.index(source),
            len(sources) + targets.index(target),
            customers,
            f"{colours[target]}{'33' if source == target else '99'}",
        )
        for source, target, customers in cells
    ]
    told = sankey(nodes, links, lambda customers: f"{units.count(customers)} customers", look)
    return {"data": [told], "layout": layout(look, 360)}
