"""How good the churn model in use is, and what it says of everybody: the distribution, and who comes first."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl
from dash.development.base_component import Component

from telflow.dashboard import components, units
from telflow.dashboard.components import column
from telflow.dashboard.figures.churn import calibration_figure, distribution_figure
from telflow.dashboard.models import Served
from telflow.dashboard.page import View
from telflow.dashboard.queries import churn, segments
from telflow.dashboard.queries.everybody import MEMBERS, OTHERS, Everybody, with_groups
from telflow.dashboard.relations import CHURN_SCORES
from telflow.dashboard.style import Look
from telflow.errors import TableMissingError
from telflow.privacy.suppression import SUPPRESSED, blank, is_small

ROWS_SHOWN: Final = 200
EDGES: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
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
        scored = with_groups(view.reader, churn.probabilities(view.reader, as_of), as_of)
    except TableMissingError as error:
        return [components.words("Probabilities cannot be shown", str(error), "missing")]
    everybody = Everybody(scored, view.groups, view.minimum)
    found = everybody.own
    if everybody.tells_of_few(everybody.members(scored)) or is_small(scored.height, view.minimum):
        return [components.too_small(view.minimum)]
    if not found.height:
        return [components.words("Nobody is chosen", "No subscriber has this plan, region and segment together.")]
    return [distribution_card(everybody, found, as_of, view), riskiest_card(found, as_of)]


def distribution_card(everybody: Everybody, found: pl.DataFrame, as_of: date, view: View) -> Component:
    """How many of ``found`` have which probability."""
    threshold = float(found.item(0, "threshold"))
    counted = bins(found.get_column("probability"), threshold)
    bars = everybody.cube(everybody.base.select("customer", bin_of(threshold).alias("label")))
    flags = [everybody.tells_of_few(bars, name) for name in counted.get_column("name").to_list()]
    shown = blank(counted, flags, ["customers"]).filter(~pl.col(SUPPRESSED))
    text = f"{units.count(found.height)} subscribers were scored by version {found.item(0, 'version')}."
    risky = everybody.members(everybody.base.filter("is_at_risk"))
    if not any(flags) and not any(everybody.tells_of_few(risky, side) for side in (MEMBERS, OTHERS)):
        at_risk = int(found.get_column("is_at_risk").sum())
        text += f" {units.count(at_risk)} are at risk, at {units.share(threshold)} or above."
    text += f" {sum(flags)} bars are hidden: they tell of too few." if any(flags) else ""
    figure = distribution_figure(shown, view.look)
    note = f"Subscribers by probability to leave as of {units.day(as_of)}"
    return components.chart("Distribution of the probabilities", figure, text, "churn-bins", note=note, span=6)


def bins(probabilities: pl.Series, threshold: float) -> pl.DataFrame:
    """Customers by probability: ``name``, ``is_at_risk``, ``customers``; one edge is the threshold."""
    names = pl.DataFrame(
        [(bar_name(low, high), low >= threshold) for low, high in edges(threshold)],
        schema={"name": pl.String, "is_at_risk": pl.Boolean},
        orient="row",
    )
    counts = probabilities.to_frame("probability").group_by(bin_of(threshold).alias("name")).len("customers")
    joined = names.join(counts, on="name", how="left", maintain_order="left")
    return joined.with_columns(pl.col("customers").fill_null(0).cast(pl.Int64))


def edges(threshold: float) -> list[tuple[float, float]]:
    """Lowest and highest probability of each bar; the highest belongs to the next one."""
    return list(pairwise(sorted({*EDGES, threshold})))


def bin_of(threshold: float) -> pl.Expr:
    """Name of the bar that a ``probability`` stands in."""
    pairs = edges(threshold)
    inner = [low for low, _ in pairs[1:]]
    names = [bar_name(low, high) for low, high in pairs]
    return pl.col("probability").cut(inner, labels=names, left_closed=True).cast(pl.String)


def bar_name(low: float, high: float) -> str:
    return f"{low * 100:.3g} to {high * 100:.3g} %"


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
