"""Shapes that several figures share. Who points at a mark reads its value in words, with a space before the unit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.style import REST, Figure, Look, axis, layout

SHORTEST, LONGEST = 300, 900  # pixels
LINE_LETTERS = 34
Node = tuple[str, str]
Link = tuple[int, int, float, str]


@dataclass(frozen=True)
class Series:
    """Bars of one name.

    Attributes:
        name: what they are called, where there are several.
        values: their lengths.
        told: the same in words, for who points at one.
        colour: of all, or of each.
        labels: what stands at their ends; nothing where there are none.
    """

    name: str
    values: Sequence[float | None]
    told: Sequence[str]
    colour: str | Sequence[str]
    labels: Sequence[str] = ()


def volumes(values: Sequence[float | None]) -> list[str]:
    """Bytes in words."""
    return [units.volume(value) for value in values]


def rates(values: Sequence[float | None]) -> list[str]:
    """Bits a second in words."""
    return [units.rate(value) for value in values]


def bars_across(
    names: Sequence[str],
    series: Sequence[Series],
    value_axis: Mapping[str, Any],
    look: Look,
    *,
    picks: Sequence[str] = (),
    height: int = 0,
    **more: Any,
) -> Figure:
    """Bars from left to right, the first of ``names`` on top.

    Args:
        names: below each other.
        series: with a value for each of ``names``.
        value_axis: what the lengths are measured by.
        look: colours.
        picks: what a click on a bar stands for.
        height: pixels; 0 for as many as the names need.
        more: over the layout, such as ``barmode``.
    """
    shown = [wrapped(name) for name in reversed(names)]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": one.name,
            "x": list(reversed(one.values)),
            "y": shown,
            "hovertext": list(reversed(one.told)),
            "marker": {"color": one.colour if isinstance(one.colour, str) else list(reversed(one.colour))},
            "hovertemplate": f"%{{y}}<br>{f'{one.name}: ' if len(series) > 1 else ''}%{{hovertext}}<extra></extra>",
            **({"customdata": list(reversed(picks))} if picks else {}),
            **labelled(one),
        }
        for one in series
    ]
    axes: dict[str, Any] = {"xaxis": dict(value_axis), "yaxis": axis(look, showgrid=False, ticksuffix=" ")}
    tall = height or min(max(SHORTEST, 90 + 34 * len(names)), LONGEST)
    shape = {"bargap": 0.3, "showlegend": len(series) > 1, **axes, **more}
    return {"data": data, "layout": layout(look, tall, **shape)}


def labelled(series: Series) -> dict[str, Any]:
    """Labels at the bars' ends."""
    if not series.labels:
        return {}
    return {"text": list(reversed(series.labels)), "textposition": "outside", "cliponaxis": False}


def room(values: Sequence[float], part: float = 0.2) -> list[float]:
    """A range around ``values`` and 0 that leaves labels at the bars' ends a ``part`` of it on their side."""
    low, high = min([0.0, *values]), max([0.0, *values])
    space = (high - low or 1.0) * part
    return [low - space if low < 0 else 0.0, high + space if high > 0 or low == high else 0.0]


def heat_map(
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[Sequence[float | None]],
    told: Callable[[float], str],
    colours: Sequence[object],
    **more: Any,
) -> Figure:
    """A cell for each column of each row; None stays empty, and ``told`` says a value in words."""
    return {
        "type": "heatmap",
        "x": list(columns),
        "y": list(rows),
        "z": [list(row) for row in cells],
        "hovertext": [["" if value is None else told(value) for value in row] for row in cells],
        "colorscale": list(colours),
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        **more,
    }


def colour_bar(**more: Any) -> dict[str, Any]:
    """The scale beside a heat map."""
    return {"thickness": 12, "outlinewidth": 0, "title": {"text": ""}, **more}


def bytes_bar() -> dict[str, Any]:
    """The scale beside a heat map of bytes."""
    return colour_bar(tickformat="~s", ticksuffix="B")


def sankey(nodes: Sequence[Node], links: Sequence[Link], told: Callable[[float], str], look: Look) -> Figure:
    """Bands from node to node.

    Args:
        nodes: name and colour of each.
        links: source and target by their place in ``nodes``, size, and colour with its opacity.
        told: a size in words.
        look: colours of text.
    """
    sizes = [max(over(links, 0, at), over(links, 1, at)) for at in range(len(nodes))]
    return {
        "type": "sankey",
        "arrangement": "snap",
        "textfont": {"color": look.ink, "size": 12, "shadow": "none"},
        "node": {
            "label": [name for name, _ in nodes],
            "color": [colour for _, colour in nodes],
            "customdata": [told(size) for size in sizes],
            "hovertemplate": "%{label}<br>%{customdata}<extra></extra>",
            "pad": 16,
            "thickness": 14,
            "line": {"width": 0},
        },
        "link": {
            "source": [source for source, _, _, _ in links],
            "target": [target for _, target, _, _ in links],
            "value": [size for _, _, size, _ in links],
            "color": [colour for _, _, _, colour in links],
            "customdata": [told(size) for _, _, size, _ in links],
            "hovertemplate": "%{source.label} to %{target.label}<br>%{customdata}<extra></extra>",
        },
    }


def over(links: Sequence[Link], side: int, node: int) -> float:
    """What begins (side 0) or ends (side 1) at ``node``."""
    return sum(link[2] for link in links if link[side] == node)


def with_rest(over: pl.DataFrame, largest: Sequence[str]) -> pl.DataFrame:
    """``at``, ``name``, ``bytes`` with every name but the ``largest`` summed as the rest."""
    is_large = pl.col("name").is_in(list(largest))
    named = over.with_columns(pl.when(is_large).then(pl.col("name")).otherwise(pl.lit(REST)).alias("name"))
    return named.group_by("at", "name").agg(pl.col("bytes").sum()).sort("at", "name")


def wrapped(text: str, width: int = LINE_LETTERS) -> str:
    """``text`` in lines of about ``width`` characters."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
