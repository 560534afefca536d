"""Figures of the overview."""

from typing import Any

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import Series, bars_across, volumes
from telflow.dashboard.style import Figure, Look, axis, bytes_axis, layout


def volume_figure(now: pl.DataFrame, before: pl.DataFrame | None, look: Look) -> Figure:
    """Bars of the days; the previous period as a line over them, day by day.

    Args:
        now: ``day`` and ``bytes``.
        before: the same of the previous period, or None.
        look: colours.
    """
    days, sizes = now.get_column("day").to_list(), now.get_column("bytes").to_list()
    bars = {
        "type": "bar",
        "name": "These days",
        "x": days,
        "y": sizes,
        "hovertext": [f"{units.day(day)}<br>{units.volume(size)}" for day, size in zip(days, sizes, strict=True)],
        "marker": {"color": look.accent},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    data = [bars, *([previous_line(days, before, look)] if before is not None and before.height else [])]
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes a day, both ways"),
    }
    return {"data": data, "layout": layout(look, bargap=0.25, showlegend=len(data) > 1, **axes)}


def previous_line(days: list[Any], before: pl.DataFrame, look: Look) -> Figure:
    """The previous period, its first day over the first of ``days``."""
    paired = before.get_column("bytes").to_list()[: len(days)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "Previous period",
        "x": days[: len(paired)],
        "y": paired,
        "hovertext": volumes(paired),
        "line": {"color": look.colours[1], "width": 2, "dash": "dot"},
        "hovertemplate": "Previous period: %{hovertext}<extra></extra>",
    }


def category_figure(parts: pl.DataFrame, look: Look) -> Figure:
    """Bars of the categories (``name``, ``bytes``), the largest on top."""
    rows = parts.sort("bytes", descending=True)
    names, sizes = rows.get_column("name").to_list(), rows.get_column("bytes").to_list()
    series = Series("Bytes", sizes, volumes(sizes), look.accent)
    return bars_across(names, [series], bytes_axis(look, "Bytes", nticks=5), look, picks=names, height=320)
