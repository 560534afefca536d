"""Figures of one customer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from telflow.dashboard.figures.shapes import volumes, with_rest
from telflow.dashboard.style import REST, Figure, Look, axis, bytes_axis, layout

MOST_WEEKS_NAMED = 13


def use_figure(days: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``bytes_down`` and ``bytes_up`` over ``day``, and a line of ``flow_seconds`` in hours."""
    at = days.get_column("day").to_list()
    series = (("bytes_down", "Bytes in", look.accent), ("bytes_up", "Bytes out", look.colours[1]))
    data = [stacked_bars(title, at, days.get_column(name).to_list(), colour) for name, title, colour in series]
    hours = [seconds / 3600 for seconds in days.get_column("flow_seconds").to_list()]
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Hours of flows",
            "x": at,
            "y": hours,
            "yaxis": "y2",
            "line": {"color": look.colours[2], "width": 2},
            "hovertemplate": "Flows lasted %{y:.1f} h<extra></extra>",
        }
    )
    on_the_right = {"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero", "nticks": 6}
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a day"),
        "yaxis2": axis(look, "Hours of flows", tickmode="auto", **on_the_right),
    }
    return {"data": data, "layout": layout(look, 340, barmode="stack", bargap=0.25, hovermode="x unified", **axes)}


def stacked_bars(name: str, at: Sequence[object], sizes: Sequence[float], colour: str) -> Figure:
    """Bars of bytes over days, to be stacked."""
    return {
        "type": "bar",
        "name": name,
        "x": list(at),
        "y": list(sizes),
        "hovertext": volumes(sizes),
        "marker": {"color": colour},
        "hovertemplate": f"{name} %{{hovertext}}<extra></extra>",
    }


def mix_figure(over: pl.DataFrame, largest: Sequence[str], look: Look) -> Figure:
    """Stacked bars of ``bytes`` over ``at`` by ``name``; all but the ``largest`` are one."""
    summed = with_rest(over, largest)
    colours = look.colour_by_name([*largest, REST])
    data = []
    for name in [*largest, REST]:
        rows = summed.filter(pl.col("name") == name)
        if rows.height:
            at, sizes = rows.get_column("at").to_list(), rows.get_column("bytes").to_list()
            picks = [None if name == REST else name] * rows.height
            data.append({**stacked_bars(name, at, sizes, colours[name]), "customdata": picks})
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a day, both ways"),
    }
    return {"data": data, "layout": layout(look, 360, barmode="stack", bargap=0.2, **axes)}


def weeks_figure(row: Mapping[str, Any], look: Look) -> Figure:
    """Bars of ``weekly_bytes`` over ``week_starts``, which stand below them."""
    starts = list(row["week_starts"])
    named = starts[:: math.ceil(len(starts) / MOST_WEEKS_NAMED)]
    bars = {
        "type": "bar",
        "x": starts,
        "y": list(row["weekly_bytes"]),
        "hovertext": volumes(row["weekly_bytes"]),
        "marker": {"color": look.accent},
        "hovertemplate": "Week from %{x|%-d %b %Y}<br>%{hovertext}<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Weeks by their first day", showgrid=False, tickformat="%-d %b", tickvals=named),
        "yaxis": bytes_axis(look, "Bytes a week"),
    }
    return {"data": [bars], "layout": layout(look, 300, bargap=0.25, showlegend=False, **axes)}
