"""Figures of the categories of traffic."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import Series, bars_across, room, volumes
from telflow.dashboard.style import Figure, Look, axis, bytes_axis, layout

MOST_SHARES = 12


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
        if rows:
            data.append(area(name, at, [rows.get(one, 0) for one in at], colours[name]))
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat=None if unit == "hour" else "%-d %b"),
        "yaxis": bytes_axis(look, f"Bytes a {unit}, both ways"),
    }
    return {"data": data, "layout": layout(look, 400, hovermode="x unified", **axes)}


def area(name: str, at: Sequence[object], sizes: Sequence[float], colour: str) -> Figure:
    """One area of the stack."""
    return {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "all",
        "name": name,
        "x": list(at),
        "y": list(sizes),
        "hovertext": volumes(sizes),
        "line": {"width": 0.5, "color": colour},
        "fillcolor": colour,
        "hovertemplate": "%{hovertext}",
    }


def share_figure(parts: pl.DataFrame, look: Look) -> Figure:
    """Bars of the shares of ``parts`` (``name``, ``bytes``), the largest on top."""
    ordered = parts.sort("bytes", descending=True)
    total = ordered.get_column("bytes").sum() or 1
    rows = ordered.head(MOST_SHARES)
    names = rows.get_column("name").to_list()
    colours = look.colour_by_name(ordered.get_column("name").to_list())
    shares = [size / total for size in rows.get_column("bytes").to_list()]
    told = [units.share(share) for share in shares]
    series = Series("Share", shares, told, [colours[name] for name in names], labels=told)
    by_share = axis(look, "Share of bytes", tickformat=".0%", nticks=4, range=room(shares, 0.3))
    return bars_across(names, [series], by_share, look, picks=names, height=400)
