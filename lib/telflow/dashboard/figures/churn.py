"""Figures of churn: what moves a probability, how many have which, and whether they come true."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import Series, bars_across, room
from telflow.dashboard.models import Bin
from telflow.dashboard.style import Figure, Look, axis, blend, layout
from telflow.privacy.suppression import SUPPRESSED

WORSE = 5  # place of the colour of what makes leaving likelier
MUTED = 0.5


def reasons_figure(reasons: Sequence[tuple[str, float]], look: Look) -> Figure:
    """Bars of what each reason adds to the probability or takes from it, the first on top."""
    points = [part * 100 for _, part in reasons]
    labels = [f"{one:+.1f}".replace("-", units.MINUS) for one in points]
    told = [f"{label} points" for label in labels]
    worse = look.colours[WORSE % len(look.colours)]
    colours = [worse if one > 0 else look.accent for one in points]
    series = Series("Reasons", points, told, colours, labels=labels)
    by_points = axis(
        look, "Points of probability", zeroline=True, zerolinecolor=look.faint, range=room(points), nticks=7
    )
    return bars_across([name for name, _ in reasons], [series], by_points, look, height=96 + 38 * len(reasons))


@dataclass(frozen=True)
class Before:
    """Bars of an earlier date: its name, and of each ``name``, ``customers`` and ``is_suppressed``."""

    day: str
    bars: pl.DataFrame


def distribution_figure(bars: pl.DataFrame, look: Look, before: Before | None = None) -> Figure:
    """Bars of customers by probability; those at risk have a colour of their own.

    Args:
        bars: ``name``, ``is_at_risk``, ``customers`` and ``is_suppressed``, of which those are left out.
        look: colours.
        before: bars beside those of the same name; others are left out, as they end elsewhere.
    """
    shown, names = bars.filter(~pl.col(SUPPRESSED)), bars.get_column("name").to_list()
    parts = (("not at risk", look.accent, False), ("at risk", look.colours[WORSE % len(look.colours)], True))
    data = [
        labelled_bars(name, shown.filter(pl.col("is_at_risk") == is_at_risk), colour, "now")
        for name, colour, is_at_risk in parts
    ]
    if before is not None:
        same = before.bars.filter(pl.col("name").is_in(names) & ~pl.col(SUPPRESSED))
        data.insert(0, labelled_bars(before.day, same, blend(look.faint, look.surface, MUTED), "then"))
    order = [name for name in names if any(name in one["x"] for one in data)]
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Probability to leave", showgrid=False, type="category", categoryarray=order),
        "yaxis": axis(look, "Subscribers", rangemode="tozero"),
    }
    legend = {"orientation": "h", "y": 1.12, "x": 0}
    return {"data": data, "layout": layout(look, 400, bargap=0.2, showlegend=True, legend=legend, **axes)}


def labelled_bars(name: str, bars: pl.DataFrame, colour: str, side: str) -> Figure:
    """``customers`` over ``name``, those of one ``side`` above each other and beside those of another."""
    customers = bars.get_column("customers").to_list()
    return {
        "type": "bar",
        "name": name,
        "offsetgroup": side,
        "x": bars.get_column("name").to_list(),
        "y": customers,
        "text": [units.count(value) for value in customers],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": colour},
        "hovertemplate": f"{name}: %{{x}}<br>%{{y:,}} subscribers<extra></extra>",
    }


def calibration_figure(bins: Sequence[Bin], look: Look) -> Figure:
    """Share that left over the predicted probability, beside the line on which both are the same.

    Args:
        bins: groups of rows, by ascending probability.
        look: colours.
    """
    top = max(max(each.predicted, each.observed) for each in bins) * 1.08
    even = {
        "type": "scatter",
        "mode": "lines",
        "name": "as predicted",
        "x": [0, top],
        "y": [0, top],
        "hoverinfo": "skip",
        "line": {"color": look.faint, "width": 1.5, "dash": "dash"},
    }
    found = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "as it came",
        "x": [each.predicted for each in bins],
        "y": [each.observed for each in bins],
        "hovertext": [
            f"predicted {units.share(each.predicted)}, left {units.share(each.observed)}, of {units.count(each.rows)}"
            for each in bins
        ],
        "line": {"color": look.accent, "width": 2.5},
        "marker": {"size": 8},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    axes: dict[str, Any] = {
        "xaxis": axis(look, "Predicted probability to leave", tickformat=".0%", range=[0, top]),
        "yaxis": axis(look, "Share that left", tickformat=".0%", range=[0, top]),
    }
    return {"data": [even, found], "layout": layout(look, 400, showlegend=True, **axes)}
