"""How good the churn model in use is, and what it says of everybody: the distribution, and who comes first."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.churn import calibration_figure
from telflow.dashboard.models import Served
from telflow.dashboard.page import View
from telflow.dashboard.pages.churn_distribution import distribution_cards, everybody_with_probability
from telflow.dashboard.queries import segments
from telflow.dashboard.relations import CHURN_SCORES
from telflow.dashboard.style import Look
from telflow.errors import TableMissingError
from telflow.privacy.suppression import is_small

ROWS_SHOWN: Final = 200
MEASURES: Final = {  # metrics of the run, with what they say
    "roc_auc": ("ROC-AUC", "who leaves is ranked above who stays"),
    "pr_auc": ("PR-AUC", "precision over all thresholds"),
    "precision": ("Precision", "of those flagged, part that left"),
    "recall": ("Recall", "of those who left, part that was flagged"),
    "brier": ("Brier score", "mean squared error, 0 is best"),
}


def quality_cards(served: Served, look: Look, minimum: int) -> list[Component]:
    """How good the model in use is, on rows that it had not seen."""
    tiles = [
        components.tile(label, f"{served.metrics[name]:.3f}", f"{interval(served.metrics, name)}{told}")
        for name, (label, told) in MEASURES.items()
        if name in served.metrics
    ]
    cards: list[Component] = [components.tiles(*tiles)] if tiles else []
    return [*cards, *calibration_cards(served, look, minimum)]


def calibration_cards(served: Served, look: Look, minimum: int) -> list[Component]:
    """Whether its probabilities come true; no card where its run logged no table of that."""
    rows = served.metrics.get("holdout_rows")
    told = f"{units.count(rows)} rows held out" if rows else "rows held out"
    title, name = "Calibration of the model in use", "churn-calibration"
    shown = [each for each in served.bins if not is_small(each.rows, minimum)]
    if not shown:
        return []
    off = max(abs(each.observed - each.predicted) for each in shown)
    text = f"Predicted and observed shares of {len(shown)} groups differ by {off * 100:.1f} points at most."
    note = f"Groups of {told} by rank, version {served.version}"
    return [components.chart(title, calibration_figure(shown, look), text, name, note=note, span=6)]


def interval(metrics: Mapping[str, float], name: str) -> str:
    """Its interval, where it has one."""
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}; "


def score_cards(view: View) -> list[Component]:
    """Probabilities of those whom the filters choose: their distribution, and who comes first."""
    try:
        as_of = segments.date_in(view.reader, CHURN_SCORES.name, view.filters.period)
        if as_of is None:
            return [components.words("Nobody was scored yet", f"Run {CHURN_SCORES.writer}.", "missing")]
        everybody = everybody_with_probability(view, as_of)
    except TableMissingError as error:
        return [components.words("Probabilities cannot be shown", str(error), "missing")]
    found = everybody.own
    if everybody.total() is None:
        return [components.too_small(view.minimum)]
    if not found.height:
        return [components.words("Nobody is chosen", "No subscriber has this plan, region and segment together.")]
    return [*distribution_cards(everybody, as_of, view), riskiest_card(found, as_of)]


def riskiest_card(found: pl.DataFrame, as_of: date) -> Component:
    """The likeliest to leave; a click fills the form with one."""
    rows = [
        {
            "customer": row["customer"],
            "pick": row["customer"],
            "probability": row["probability"],
            "decision": "at risk" if row["is_at_risk"] else "not at risk",
            "reason": row["reasons"][0]["reason"] if row["reasons"] else "",
        }
        for row in found.head(ROWS_SHOWN).to_dicts()
    ]
    columns = [
        column("customer", "Customer", minWidth=200),
        column("probability", "Probability", "share", sort="desc"),
        column("decision", "Decision", minWidth=110),
        column("reason", "Strongest reason", minWidth=280),
    ]
    table = components.grid(rows, columns, "riskiest", label="Likeliest to leave", picks="customer", csv="riskiest.csv")
    note = f"By tokens, as of {units.day(as_of)}: who may see them can count them. Click one to fill the form"
    return components.card("Likeliest to leave", table, note=note)


def score_date(view: View) -> date | None:
    """The date of the scores that the page shows; None where there are none."""
    try:
        return segments.date_in(view.reader, CHURN_SCORES.name, view.filters.period)
    except TableMissingError:
        return None
