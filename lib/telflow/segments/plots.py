"""Pictures of a clustering: what its segments are like, how large they are, and how they lie to each other."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from telflow.segments.model import Floats, Integers
from telflow.segments.profile import Profiles

# told apart by people of any colour vision (Okabe and Ito); the ninth on repeats them with another mark
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
MARKS: Final = ("o", "^", "s")
MOST_DEVIATIONS: Final = 2.5
DARK: Final = 1.6  # deviations from which a cell is so dark that its number is written in white
HALF: Final = 0.5


def readable(feature: str) -> str:
    """Name of a feature for a reader."""
    return feature.removeprefix("share_").replace("_", " ")


def profile_heat_map(profiles: Profiles, title: str) -> Figure:
    """How far each segment lies from everybody, by feature."""
    rows, columns = profiles.deviations.shape
    figure = Figure(figsize=(3.2 + 0.62 * columns, 1.8 + 0.5 * rows), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(
        profiles.deviations, cmap="RdBu_r", vmin=-MOST_DEVIATIONS, vmax=MOST_DEVIATIONS, aspect="auto"
    )
    for row, column in np.ndindex(rows, columns):
        value = float(profiles.deviations[row, column])
        colour = "white" if abs(value) > DARK else "black"
        axes.text(column, row, f"{round(value, 1) + 0.0:.1f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(columns), [readable(name) for name in profiles.features], rotation=40, ha="right")
    axes.set_yticks(range(rows), profiles.names)
    axes.set_title(title)
    figure.colorbar(picture, ax=axes, label="standard deviations\nfrom all customers", shrink=0.9)
    return figure


def sizes_plot(profiles: Profiles, title: str) -> Figure:
    """Customers by segment, the largest on top."""
    order = np.argsort(profiles.customers)
    total = max(sum(profiles.customers), 1)
    figure = Figure(figsize=(8, 1.4 + 0.42 * len(order)), layout="constrained")
    axes = figure.subplots()
    counts = [profiles.customers[at] for at in order]
    bars = axes.barh([profiles.names[at] for at in order], counts, color=[colour_of(int(at)) for at in order])
    axes.bar_label(bars, [f"{count:,} ({count / total:.1%})" for count in counts], padding=4)
    axes.margins(x=0.25)
    axes.set_xlabel("customers")
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def projection_plot(sample: Floats, number: Integers, names: Sequence[str], title: str) -> Figure:
    """A sample of customers on the two principal axes of the model's space."""
    centred = sample - sample.mean(axis=0)
    _, spread, axes_found = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes_found[:2].T
    told = spread**2 / max(float((spread**2).sum()), np.finfo(float).tiny)
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(names):
        mine = number == at
        axes.scatter(
            flat[mine, 0],
            flat[mine, -1],
            s=9,
            alpha=0.6,
            linewidths=0,
            color=colour_of(at),
            marker=mark_of(at),
            label=name,
        )
    axes.set_xlabel(f"first principal axis, {told[0]:.0%} of the variance")
    axes.set_ylabel(f"second principal axis, {told[1] if len(told) > 1 else 0:.0%}")
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, markerscale=2.5)
    return figure


def colour_of(number: int) -> str:
    """Colour of a segment in all pictures of its model."""
    return COLOURS[number % len(COLOURS)]


def mark_of(number: int) -> str:
    """Mark of a segment in the projection."""
    return MARKS[number // len(COLOURS) % len(MARKS)]


def sizes_beside(sizes: pd.DataFrame, title: str) -> Figure:
    """Customers by segment of two models, one below the other: a table with ``model``, ``segment``, ``customers``."""
    models = list(dict.fromkeys(sizes["model"]))
    rows = [int((sizes["model"] == model).sum()) for model in models]
    figure = Figure(figsize=(9, 1.2 + 0.45 * sum(rows)), layout="constrained")
    for at, (axes, model) in enumerate(
        zip(np.ravel(figure.subplots(len(models), 1, sharex=True, height_ratios=rows)), models, strict=True)
    ):
        own = sizes[sizes["model"] == model].iloc[::-1]
        bars = axes.barh(own["segment"], own["customers"], color=colour_of(at))
        axes.bar_label(bars, [f"{count:,}" for count in own["customers"]], padding=4)
        axes.margins(x=0.12)
        axes.set_title(model, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    return figure


def moves_heat_map(moves: pd.DataFrame, title: str) -> Figure:
    """Customers by segment of one model (rows) and of another (columns), coloured by the part of the row."""
    counts = moves.to_numpy()
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(4 + 0.9 * counts.shape[1], 2.6 + 0.5 * counts.shape[0]), layout="constrained")
    axes = figure.subplots()
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if parts[row, column] > HALF else "black"
        axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour)
    axes.set_xticks(range(counts.shape[1]), list(moves.columns), rotation=30, ha="right")
    axes.set_yticks(range(counts.shape[0]), list(moves.index))
    axes.set_xlabel(str(moves.columns.name or ""))
    axes.set_ylabel(str(moves.index.name or ""))
    axes.set_title(title)
    return figure
