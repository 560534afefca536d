"""Pictures of answers: bars, lines and heat maps of tables as they come from saved questions."""

from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from telflow.segments.plots import COLOURS

MOST_BARS: Final = 20
WHOLE: Final = 100  # from which a number is written without decimals


def bars(table: pd.DataFrame, label: str, value: str, *, unit: str, title: str) -> Figure:
    """A bar for each of the first rows, the first on top; rows with one label have bars of their own.

    Args:
        table: rows in the order to show.
        label: column with what a bar is of.
        value: column with its length.
        unit: what the length is in.
        title: of the picture.
    """
    shown = table.head(MOST_BARS).iloc[::-1]
    figure = Figure(figsize=(8, 1.4 + 0.32 * max(len(shown), 1)), layout="constrained")
    axes = figure.subplots()
    made = axes.barh(range(len(shown)), shown[value].astype(float), color=COLOURS[0])
    axes.set_yticks(range(len(shown)), shown[label].astype(str))
    axes.bar_label(made, [written(float(number)) for number in shown[value]], padding=4)
    axes.margins(x=0.15)
    return finished(figure, unit, "", title)


def lines(table: pd.DataFrame, along: str, value: str, *, unit: str, title: str, by: str | None = None) -> Figure:
    """A line over ``along``, one for each value of ``by``.

    Args:
        table: rows in any order.
        along: column of the horizontal axis, days or hours.
        value: column of the vertical axis.
        unit: what the vertical axis is in.
        title: of the picture.
        by: column that tells lines apart; None for a single one.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    groups = [("", table)] if by is None else list(table.groupby(by, sort=True))
    for number, (name, rows) in enumerate(groups):
        ordered = rows.sort_values(along)
        style = "-" if number < len(COLOURS) else "--"
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(ordered[along], ordered[value].astype(float), style, marker=".", color=colour, label=str(name))
    if by is not None:
        axes.legend(title=by.replace("_", " "), frameon=False, bbox_to_anchor=(1, 1), loc="upper left")
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="x", rotation=30)
    return finished(figure, along.replace("_", " "), unit, title)


def heat_map(table: pd.DataFrame, row: str, column: str, value: str, *, unit: str, title: str) -> Figure:
    """A cell for each row and column of the table, empty where it has none."""
    cells = table.pivot_table(index=row, columns=column, values=value, aggfunc="sum").astype(float)
    figure = Figure(figsize=(3 + 0.4 * len(cells.columns), 1.8 + 0.35 * len(cells)), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(cells, cmap="cividis", aspect="auto")
    axes.set_xticks(range(len(cells.columns)), [str(name) for name in cells.columns])
    axes.set_yticks(range(len(cells)), [str(name) for name in cells.index])
    figure.colorbar(picture, ax=axes, label=unit)
    return finished(figure, column.replace("_", " "), row.replace("_", " "), title)


def written(number: float) -> str:
    """``number`` with three figures, or whole."""
    return f"{number:,.0f}" if abs(number) >= WHOLE else f"{number:.3g}"


def finished(figure: Figure, across: str, up: str, title: str) -> Figure:
    """``figure`` with its words."""
    axes = figure.axes[0]
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
