"""Figures of recommendations."""

import polars as pl

from telflow.dashboard import units
from telflow.dashboard.figures.shapes import Series, bars_across
from telflow.dashboard.style import Figure, Look, axis


def kinds_figure(counts: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``customers`` by ``kind``, and below them those who may be ``approachable``; null where it is hidden."""
    kinds = counts.get_column("kind").to_list()
    series = []
    for name, title, colour in (("approachable", "May be approached", look.accent), ("customers", "All", look.faint)):
        numbers = counts.get_column(name).to_list()
        series.append(Series(title, numbers, [units.count(one) for one in numbers], colour))
    by_count = axis(look, "Customers", rangemode="tozero", nticks=6)
    legend = {"orientation": "h", "y": -0.2, "x": 0, "traceorder": "reversed"}
    return bars_across(kinds, series, by_count, look, picks=kinds, height=320, barmode="group", legend=legend)


def causes_figure(counts: pl.DataFrame, look: Look) -> Figure:
    """Bars of ``customers`` by ``cause``."""
    numbers = counts.get_column("customers").to_list()
    series = Series("Customers", numbers, [units.count(one) for one in numbers], look.accent)
    by_count = axis(look, "Customers", rangemode="tozero", nticks=6)
    return bars_across(
        counts.get_column("cause").to_list(), [series], by_count, look, height=120 + 56 * counts.height, bargap=0.45
    )
