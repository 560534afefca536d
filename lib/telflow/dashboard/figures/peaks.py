"""Figures of peak times."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from telflow.dashboard import busy, units
from telflow.dashboard.figures.shapes import bytes_bar, heat_map, rates, volumes
from telflow.dashboard.style import Figure, Look, axis, bytes_axis, layout

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def clock(minute: int) -> str:
    """A time of the local clock."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def heat_figure(cells: pl.DataFrame, look: Look) -> Figure:
    """Heat map of the week, Monday on top.

    Args:
        cells: ``weekday`` (1 Monday to 7), ``hour`` and ``bytes``; what is missing stays empty.
        look: colours.
    """
    found = {(weekday, hour): volume for weekday, hour, volume in cells.select("weekday", "hour", "bytes").iter_rows()}
    rows = [[found.get((weekday, hour)) for hour in range(24)] for weekday in range(1, 8)]
    hours = [f"{hour:02d}" for hour in range(24)]
    heat = heat_map(hours, WEEKDAYS, rows, units.volume, look.sequential, colorbar=bytes_bar())
    heat["hovertemplate"] = "%{y}, %{x}:00<br>%{hovertext}<extra></extra>"
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Hour of the clock", showgrid=False, type="category", dtick=1),
        "yaxis": axis(look, showgrid=False, autorange="reversed", ticksuffix=" "),
    }
    return {"data": [heat], "layout": layout(look, 320, **axes)}


def curve_figure(curve: pl.DataFrame, found: busy.Peaks, look: Look) -> Figure:
    """Mean load over the local clock, with the TCBH, the greatest busy hour and the p95 as lines.

    Args:
        curve: ``minute`` and ``bits`` a second.
        found: busy hours of the same samples.
        look: colours.
    """
    minutes, loads = curve.get_column("minute").to_list(), curve.get_column("bits").to_list()
    told = [f"{clock(minute)}<br>{rate}" for minute, rate in zip(minutes, rates(loads), strict=True)]
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "Mean load",
        "x": [minute / 60 for minute in minutes],
        "y": loads,
        "hovertext": told,
        "line": {"color": look.accent, "width": 2.5},
        "fill": "tozeroy",
        "fillcolor": look.accent + "22",
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    top = max([*loads, found.p95_bits]) * 1.12
    busy_minute = found.busy_start.hour * 60 + found.busy_start.minute
    p95 = level("p95 of samples", [0, 24], found.p95_bits, units.rate(found.p95_bits), (look.colours[2], "dashdot"))
    marks = [
        upright("TCBH", found.tcbh_minute, top, look.colours[1], "dash"),
        upright("Busy hour of all days", busy_minute, top, look.colours[3], "dot"),
        p95,
    ]
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Clock", range=[0, 24], tickvals=list(range(0, 25, 3)), ticksuffix=":00"),
        "yaxis": axis(look, "Load", tickformat="~s", ticksuffix="bit/s", range=[0, top]),
    }
    return {"data": [line, *marks], "layout": layout(look, 360, **axes)}


def upright(name: str, minute: int, top: float, colour: str, dash: str) -> Figure:
    """A line that stands at the start of an hour."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name} ({clock(minute)})",
        "x": [minute / 60] * 2,
        "y": [0, top],
        "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": f"{name} from {clock(minute)}<extra></extra>",
    }


def level(name: str, ends: Sequence[object], height: float, told: str, stroke: tuple[str, str]) -> Figure:
    """A line at one height, in the colour and dashes of ``stroke``."""
    colour, dash = stroke
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(ends),
        "y": [height] * len(ends),
        "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": f"{name}: {told}<extra></extra>",
    }


def days_figure(days: pl.DataFrame, odd: Mapping[date, int], adph_bytes: float, look: Look) -> Figure:
    """Bars of the days' busy hours with their mean, days of 23 or 25 hours marked.

    Args:
        days: ``day``, ``bytes`` and ``local`` start of the busy hour.
        odd: hours of the days on which the clocks change.
        adph_bytes: mean of the busy hours.
        look: colours.
    """
    shown, sizes = days.get_column("day").to_list(), days.get_column("bytes").to_list()
    starts = [f"{units.day(start.date())}, from {start:%H:%M}" for start in days.get_column("local").to_list()]
    bars = {
        "type": "bar",
        "name": "Busy hour of the day",
        "x": shown,
        "y": sizes,
        "hovertext": [f"{start}<br>{size}" for start, size in zip(starts, volumes(sizes), strict=True)],
        "marker": {"color": [look.colours[5] if day in odd else look.accent for day in shown]},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    ends = [shown[0], shown[-1]] if shown else []
    mean = level("ADPH", ends, adph_bytes, units.volume(adph_bytes), (look.colours[1], "dash"))
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickformat="%-d %b"),
        "yaxis": bytes_axis(look, "Bytes in the busy hour"),
        "annotations": clock_notes(days, odd, look),
    }
    return {"data": [bars, mean], "layout": layout(look, 360, bargap=0.25, **axes)}


def clock_notes(days: pl.DataFrame, odd: Mapping[date, int], look: Look) -> Sequence[Figure]:
    """Marks over the bars of days on which the clocks change."""
    heights = dict(days.select("day", "bytes").iter_rows())
    return [
        {
            "x": day,
            "y": heights.get(day, 0),
            "text": f"{hours} h",
            "showarrow": True,
            "arrowhead": 0,
            "ay": -24,
            "ax": 0,
            "font": {"color": look.ink, "size": 12},
        }
        for day, hours in odd.items()
    ]
