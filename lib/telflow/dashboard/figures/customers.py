"""Figures of customers: who uses most, and where their traffic goes."""

import polars as pl

from telflow.dashboard.figures.shapes import Series, bars_across, volumes
from telflow.dashboard.style import Figure, Look, blend, bytes_axis

TOKEN_LETTERS = 12
FADED = 0.65


def short(customer: str) -> str:
    """A token as it fits an axis."""
    return f"{customer[:TOKEN_LETTERS]}…" if len(customer) > TOKEN_LETTERS + 1 else customer


def talkers_figure(found: pl.DataFrame, look: Look) -> Figure:
    """Bars of bytes to and from each customer, the first on top.

    Args:
        found: ``customer``, ``bytes``, ``bytes_down`` and ``bytes_up``, which are null where they are not kept.
        look: colours.
    """
    tokens = found.get_column("customer").to_list()
    ways = [("bytes_down", "To the customer", look.accent), ("bytes_up", "From the customer", look.colours[1])]
    shown = [("bytes", "Both ways", look.accent)] if found.get_column("bytes_down").has_nulls() else ways
    series = []
    for name, title, colour in shown:
        sizes = found.get_column(name).to_list()
        series.append(Series(title, sizes, volumes(sizes), colour))
    names, by_bytes = [short(token) for token in tokens], bytes_axis(look, "Bytes", nticks=6)
    return bars_across(names, series, by_bytes, look, picks=tokens, height=420, barmode="stack")


def destinations_figure(sums: pl.DataFrame, chosen: str | None, look: Look) -> Figure:
    """Bars of ``destination`` and ``bytes``, the largest on top; where one is ``chosen`` the others are faint."""
    names, sizes = sums.get_column("destination").to_list(), sums.get_column("bytes").to_list()
    faint = blend(look.accent, look.surface, FADED)
    colours = [look.accent if chosen in (None, name) else faint for name in names]
    series = Series("Bytes", sizes, volumes(sizes), colours)
    return bars_across(names, [series], bytes_axis(look, "Bytes, both ways", nticks=6), look, picks=names)
