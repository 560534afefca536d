"""Pictures of a churn model: calibration, confusion, importance of columns."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from telflow.churn.columns import Columns
from telflow.churn.measures import Estimate, Scored, confusion

BLUE, GREY, INK = "#1f5a96", "#b9c0c8", "#22272e"
EDGES = (*np.arange(10) / 10, 0.95, 0.99, 1.0)  # few leave, so the top of the ranking is looked at closely
MOST_FEATURES = 15
NORMAL_975 = 1.959964  # quantile of the normal distribution


def calibration_figure(scored: Scored, bins: pd.DataFrame, title: str) -> Figure:
    """Share that left by predicted probability (``calibration_bins``); below, how many rows have which."""
    predicted, observed = bins["predicted"].to_numpy(), bins["observed"].to_numpy()
    figure = Figure(figsize=(6.5, 6.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    limit = float(max(scored.probability.max(), observed.max())) * 1.05
    above.plot([0, limit], [0, limit], color=GREY, linestyle="--", label="perfectly calibrated")
    limits = np.abs(bins[["observed_low", "observed_high"]].to_numpy().T - observed)
    above.errorbar(predicted, observed, yerr=limits, color=GREY, linestyle="none", capsize=2, label="95 % limits")
    above.plot(predicted, observed, color=BLUE, marker="o", label="tenths of the rows by rank, the top one in three")
    above.set(ylabel="share that left", xlim=(0, limit), ylim=(0, limit))
    above.legend(frameon=False, loc="upper left")
    below.hist(scored.probability, bins=40, range=(0, float(scored.probability.max())), color=BLUE)
    below.set(xlabel="predicted probability to leave", ylabel="rows (log)", yscale="log")
    for axes in (above, below):
        tidy(axes)
    head(figure, title)
    return figure


def calibration_bins(
    probability: npt.NDArray[np.float64], label: npt.NDArray[np.int64], edges: Sequence[float] = EDGES
) -> pd.DataFrame:
    """Groups by ascending probability, cut at ``edges`` of the ranking, a row each.

    Returns:
        ``predicted`` (mean probability), ``observed`` (share that left), ``observed_low`` and ``observed_high`` (95 %
        limits of that share were the rows independent, by Wilson's score, 1927), ``rows``.
    """
    places = np.round(np.array(edges[1:-1]) * len(probability)).astype(int)
    groups = [group for group in np.split(np.argsort(probability, kind="stable"), places) if len(group)]
    limits = [wilson_limits(int(label[group].sum()), len(group)) for group in groups]
    return pd.DataFrame(
        {
            "predicted": [probability[group].mean() for group in groups],
            "observed": [label[group].mean() for group in groups],
            "observed_low": [low for low, _ in limits],
            "observed_high": [high for _, high in limits],
            "rows": [len(group) for group in groups],
        }
    )


def wilson_limits(hits: int, rows: int) -> tuple[float, float]:
    """95 % limits of the share behind ``hits`` of ``rows`` independent draws (Wilson 1927)."""
    share, square = hits / rows, NORMAL_975**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = NORMAL_975 * np.sqrt(share * (1 - share) / rows + square / (4 * rows**2)) / (1 + square / rows)
    return max(float(middle - half), 0.0), min(float(middle + half), 1.0)


def confusion_figure(scored: Scored, title: str) -> Figure:
    """What was said beside what happened, in rows and as share of what happened."""
    counts = confusion(scored)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.5, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for happened in (0, 1):
        for said in (0, 1):
            text = f"{counts[happened, said]:,}\n{shares[happened, said]:.1%}"
            color = "white" if shares[happened, said] > 0.5 else INK
            axes.text(said, happened, text, ha="center", va="center", color=color, fontsize=13)
    axes.set_xticks([0, 1], ["not flagged", "flagged"])
    axes.set_yticks([0, 1], ["stayed", "left"])
    axes.set(xlabel="said", ylabel="happened")
    head(figure, title)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def importance_figure(importance: pd.DataFrame, columns: Columns, title: str) -> Figure:
    """Loss of ROC-AUC by column shuffled, the greatest on top."""
    shown = importance.head(MOST_FEATURES).iloc[::-1]
    names = [columns.column(name).label for name in shown["feature"]]
    figure = Figure(figsize=(8.5, 0.32 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, shown["importance"], xerr=shown["spread"], color=BLUE, ecolor=GREY, capsize=2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(xlabel="ROC-AUC lost where the column is shuffled")
    head(figure, title)
    tidy(axes)
    return figure


def comparison_figure(by_algorithm: dict[str, dict[str, Estimate]], metric: str, title: str) -> Figure:
    """``metric`` of each algorithm with its interval."""
    figure = Figure(figsize=(6.5, 0.5 * len(by_algorithm) + 1.4), layout="constrained")
    axes = figure.subplots()
    for place, (name, metrics) in enumerate(reversed(by_algorithm.items())):
        found = metrics[metric]
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place, place], color=BLUE, linewidth=2)
        axes.plot(found.value, place, color=BLUE, marker="o")
        axes.annotate(
            f"{found.value:.3f}", (found.value, place), xytext=(0, 7), textcoords="offset points", ha="center"
        )
        axes.text(-0.02, place, name.replace("_", " "), transform=axes.get_yaxis_transform(), ha="right", va="center")
    head(figure, title)
    axes.set(xlabel=f"{metric}, 95 % interval", ylim=(-0.6, len(by_algorithm) - 0.3))
    axes.set_yticks([])
    tidy(axes)
    return figure


def head(figure: Figure, title: str) -> None:
    """``title`` over the whole figure: what it shows, and of whom on a line below."""
    figure.suptitle(title.replace(": ", "\n", 1), x=0.01, ha="left", fontsize=11)


def tidy(axes: Axes) -> None:
    """No frame where nothing is read off."""
    axes.spines[["top", "right"]].set_visible(False)
