"""What the churn model says of one customer: probability, decision and reasons, beside the answer before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dash_mantine_components as dmc
import pandas as pd
from dash.development.base_component import Component

from telflow.churn.columns import Columns
from telflow.dashboard import components, units
from telflow.dashboard.churn_form import Field, Value, fields_of, read_form
from telflow.dashboard.figures.churn import reasons_figure
from telflow.dashboard.models import Served
from telflow.dashboard.style import Look

BECAUSE: Final = "because_"
REASONS_SHOWN: Final = 8


@dataclass(frozen=True)
class Answered:
    """What the model says of one customer.

    Attributes:
        contributions: to the probability, by column.
        values: what was asked, by column.
    """

    probability: float
    is_at_risk: bool
    base: float
    contributions: Mapping[str, float]
    values: Mapping[str, Value]


def typical(served: Served) -> dict[str, Value]:
    """The training's medians and commonest words."""
    return {str(name): value for name, value in served.model.example().iloc[0].to_dict().items()}


def ask(served: Served, values: Mapping[str, Value]) -> Answered:
    """The model's answer to one row."""
    names = served.model.columns.names
    row = pd.DataFrame([{name: values.get(name) for name in names}], columns=list(names))
    numeric = list(served.model.columns.numeric)
    row[numeric] = row[numeric].astype("float64")
    found = served.model.predict(row).iloc[0]
    return Answered(
        probability=float(found["probability"]),
        is_at_risk=bool(found["is_at_risk"]),
        base=float(found["base"]),
        contributions={name: float(found[f"{BECAUSE}{name}"]) for name in names},
        values=dict(values),
    )


def remembered(served: Served, answered: Answered, texts: Mapping[str, str]) -> dict[str, Any]:
    """What the next answer is compared with; it stands in the page, which shows it."""
    return {"version": served.version, "probability": answered.probability, "texts": dict(texts)}


def answer_cards(
    served: Served, answered: Answered, former: Mapping[str, Any] | None, look: Look, changed: Sequence[str] = ()
) -> list[Component]:
    """Probability, decision, version, and the reasons; beside the former answer where there is one."""
    threshold = served.model.threshold
    note = "in the label's days"
    days = served.model.facts.get("label_days")
    if days:
        note = f"to leave in the {days} days that follow"
    change = None if former is None else units.points(answered.probability, float(former["probability"]))
    decision = "At risk" if answered.is_at_risk else "Not at risk"
    side = "at or above" if answered.is_at_risk else "below"
    tiles = [
        components.tile("Probability", units.share(answered.probability), note),
        components.tile("Decision", decision, f"{side} the threshold of {units.share(threshold)}"),
        components.tile("Model", f"Version {served.version}", served.name),
    ]
    if former is not None and change is not None:
        before = units.share(float(former["probability"]))
        told = f"was {before}; changed: {', '.join(changed)}" if changed else f"was {before}; no field was changed"
        tiles.insert(1, components.tile("Change", change, told))
    return [components.tiles(*tiles), reasons_card(served.model.columns, answered, look)]


def reasons_card(columns: Columns, answered: Answered, look: Look) -> Component:
    """What moves the probability."""
    ordered = sorted(answered.contributions.items(), key=lambda each: -abs(each[1]))
    told = [(columns.column(name).tell(answered.values.get(name)), part) for name, part in ordered[:REASONS_SHOWN]]
    rest = sum(part for _, part in ordered[REASONS_SHOWN:])
    strongest, part = told[0]
    text = (
        f"Where nothing is known the probability is {units.share(answered.base)}. Strongest is {strongest}, "
        f"{points(part)}; all reasons together come to {units.share(answered.probability)}."
    )
    figure = reasons_figure([*told, ("all other fields", rest)], look)
    note = "Points that each field adds to the probability or takes from it (Shapley values)"
    return components.chart("Reasons", figure, text, "churn-reasons", note=note)


def points(part: float) -> str:
    """A part of a probability in percentage points."""
    return units.points(part, 0.0)


def answer_form(
    served: Served, texts: Mapping[str, Any], former: Mapping[str, Any] | None, look: Look
) -> tuple[list[Component], dict[str, Any] | None, dict[str, str]]:
    """What the form is answered with.

    Args:
        served: the model.
        texts: what was written, by field.
        former: the answer before, as remembered.
        look: colours.

    Returns:
        The content; what to remember, None where nothing was predicted; and what is wrong, by field.
    """
    fields = fields_of(served.model)
    given = {field.name: str(texts.get(field.name) or "") for field in fields}
    values, wrong = read_form(fields, given)
    if wrong:
        labels = {field.name: field.label for field in fields}
        listed: Component = dmc.List([dmc.ListItem(f"{labels[name]} {told}") for name, told in wrong.items()])
        many = f"{len(wrong)} fields need" if len(wrong) > 1 else "One field needs"
        return [components.words("Nothing was predicted", f"{many} another value.", "error", listed)], None, wrong
    answered = ask(served, values)
    before = former if former and former.get("version") == served.version else None
    changed = changed_labels(fields, given, before)
    content = answer_cards(served, answered, before, look, changed)
    return content, remembered(served, answered, given), {}


def changed_labels(fields: Sequence[Field], texts: Mapping[str, str], former: Mapping[str, Any] | None) -> list[str]:
    """Labels of the fields that are not what they were."""
    if former is None:
        return []
    return [
        field.label for field in fields if texts[field.name].strip() != str(former["texts"].get(field.name, "")).strip()
    ]
