"""Runs of MLflow side by side: those of an experiment, and the chosen ones compared."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash.development.base_component import Component

from telflow.dashboard import components
from telflow.dashboard.components import column
from telflow.dashboard.filters import format_query
from telflow.dashboard.models import TRAINERS, Run, Tracked
from telflow.dashboard.page import View
from telflow.dashboard.style import Figure, Look, axis, layout
from telflow.errors import TrackingError

PARAMETERS: Final = ("experiment", "runs")
MOST_COMPARED: Final = 6
CHOSEN_AT_FIRST: Final = 3
HEADLINES: Final = {  # metrics from 0 to 1 that are drawn, with what they are called; the first one ranks
    "segments": {
        "common_silhouette": "silhouette",
        "silhouette": "silhouette, own space",
        "bootstrap_ari": "bootstrap ARI",
        "planted_ari": "planted ARI",
        "smallest_share": "smallest share",
    },
    "churn": {
        "roc_auc": "ROC-AUC",
        "pr_auc": "PR-AUC",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "brier": "Brier score",
    },
}


def run_cards(view: View, path: str, store: Tracked) -> list[Component]:
    """Which experiment, its runs, and those chosen beside each other."""
    target = view.filters.parameter("experiment")
    target = target if target in TRAINERS else "segments"
    choice = experiments(view, path, target)
    try:
        runs = store.runs(target)
    except TrackingError as error:
        return [choice, components.words("Runs cannot be shown", str(error), "error")]
    told = [run for run in runs if run.metrics]
    if not told:
        text = f"MLflow holds no finished run of {target}: run {TRAINERS[target]}, which tracks its runs there."
        return [choice, components.words("There are no runs yet", text, "missing")]
    chosen = chosen_runs(told, view.filters.parameter("runs"), target)
    return [choice, runs_card(told, chosen, target), *compared(chosen, target, view.look)]


def experiments(view: View, path: str, target: str) -> Component:
    """Links to the experiments."""
    links = [
        (name, f"{path}{format_query(view.filters.with_parameters(experiment=name, runs=None))}", name == target)
        for name in TRAINERS
    ]
    return components.chips("MLflow runs of", links)


def chosen_runs(runs: Sequence[Run], keys: str | None, target: str) -> list[Run]:
    """The runs that ``keys`` names, separated by commas; the best ones where it names none."""
    wanted = (keys or "").split(",")
    named = [run for run in runs if run.key in wanted][:MOST_COMPARED]
    if named:
        return named
    ranking = next((name for name in HEADLINES[target] if any(name in run.metrics for run in runs)), "")
    return sorted(runs, key=lambda run: -run.metrics.get(ranking, -1.0))[:CHOSEN_AT_FIRST]


def toggled(run: Run, chosen: Sequence[Run]) -> str:
    """Keys of ``chosen`` with ``run`` added, or taken away."""
    keys = [one.key for one in chosen]
    changed = [key for key in keys if key != run.key] if run.key in keys else [*keys, run.key][-MOST_COMPARED:]
    return ",".join(changed)


def runs_card(runs: Sequence[Run], chosen: Sequence[Run], target: str) -> Component:
    """All runs; a click on one adds it to the comparison or takes it away."""
    shown = {name: label for name, label in HEADLINES[target].items() if any(name in run.metrics for run in runs)}
    rows = [
        {
            "chosen": "✓" if run in chosen else "",
            "name": run.name,
            "started": f"{run.started:%Y-%m-%d %H:%M}",
            "status": run.status,
            "pick": toggled(run, chosen),
            **{name: run.metrics.get(name) for name in shown},
        }
        for run in runs
    ]
    columns = [
        column("chosen", "Chosen", minWidth=105, maxWidth=110),
        column("name", "Run", minWidth=260),
        column("started", "Started (UTC)", minWidth=170),
        column("status", "Status", minWidth=100),
        *[column(name, label, "number") for name, label in shown.items()],
    ]
    table = components.grid(rows, columns, "runs", label="Runs", picks="runs", csv=f"runs-{target}.csv")
    note = f"Click a run to compare it or to leave it out; up to {MOST_COMPARED}"
    return components.card("Runs", table, note=note)


def compared(chosen: Sequence[Run], target: str, look: Look) -> list[Component]:
    """The chosen runs: metrics as bars, and parameters and metrics in a table."""
    drawn = {name: label for name, label in HEADLINES[target].items() if any(name in run.metrics for run in chosen)}
    columns = [
        column("name", "Parameter or metric", minWidth=170, pinned="left"),
        *[column(run.key, run.name, minWidth=180) for run in chosen],
    ]
    table = components.grid(differences(chosen), columns, "compared", label="Runs compared", csv="compared.csv")
    card = components.card("Side by side", table, note="Parameters that differ, and all metrics", span=6)
    if not drawn:
        return [card]
    name, label = next(iter(drawn.items()))
    best = max(chosen, key=lambda run: run.metrics.get(name, -1.0))
    text = f"Of {len(chosen)} runs, {best.name} has the greatest {label}, {best.metrics.get(name, 0.0):.3f}."
    figure = metrics_figure(chosen, drawn, look)
    return [components.chart("Metrics of the chosen runs", figure, text, "runs-metrics", note="0 to 1", span=6), card]


def differences(chosen: Sequence[Run]) -> list[dict[str, str]]:
    """A row for each parameter in which the runs differ, then one for each metric; a column for each run."""
    parameters = dict.fromkeys(name for run in chosen for name in run.parameters)
    differing = [name for name in parameters if len({run.parameters.get(name) for run in chosen}) > 1]
    metrics = sorted({name for run in chosen for name in run.metrics})
    rows = [{"name": name, **{run.key: run.parameters.get(name, "none") for run in chosen}} for name in differing]
    return rows + [{"name": name, **{run.key: value_of(run, name) for run in chosen}} for name in metrics]


def value_of(run: Run, metric: str) -> str:
    """A metric in four digits."""
    return f"{run.metrics[metric]:.4g}" if metric in run.metrics else "none"


def metrics_figure(chosen: Sequence[Run], drawn: Mapping[str, str], look: Look) -> Figure:
    """Bars of each of the ``drawn`` metrics, one for each run."""
    data = [
        {
            "type": "bar",
            "name": f"{run.name} ({run.key})",
            "x": list(drawn.values()),
            "y": [run.metrics.get(name) for name in drawn],
            "marker": {"color": look.colours[at % len(look.colours)]},
            "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        }
        for at, run in enumerate(chosen)
    ]
    names = list(drawn.values())
    words = [name.replace(" ", "<br>") for name in names]
    axes: dict[str, Any] = {
        "xaxis": axis(look, showgrid=False, tickvals=names, ticktext=words, tickangle=0),
        "yaxis": axis(look, "Value", rangemode="tozero"),
    }
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    return {"data": data, "layout": layout(look, 420, barmode="group", showlegend=True, legend=legend, **axes)}
