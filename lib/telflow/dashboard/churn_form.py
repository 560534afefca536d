"""The fields of the churn form: what may stand in each, in which unit, and what is wrong with what was written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telflow.churn.served import ChurnModel

Value = float | str | None
NEVER_NEGATIVE: Final = (0.0, math.inf)
LIMITS: Final = {  # of numbers that are not simply 0 or more, in the model's own units
    "recency_days": (1.0, 29.0),
    "active_days": (0.0, 28.0),
    "active_hours_per_day": (0.0, 25.0),
    "burstiness": (-1.0, 1.0),
}
WHOLE: Final = ("recency_days", "active_days", "devices", "complaints_28_days", "tenure_days")
MAY_BE_UNKNOWN: Final = (  # nobody knows them of who is new, or silent
    "up_share",
    "devices",
    "weekend_share",
    "burstiness",
    "trend_per_week",
    "last_week_share",
    "connections_change",
    "volume_change",
    "last_week_change",
    "complaints_earlier",
)
LARGEST: Final = 1e15
LONGEST: Final = 40


@dataclass(frozen=True)
class Field:
    """A field of the form.

    Attributes:
        label: what it is, with its unit.
        kind: as the model's column has it.
        allowed: what may be written, in words.
        words: values to choose from, where it is one of words.
        low, high: least and greatest number, as written.
        is_whole: whether it is a number of things.
        may_be_empty: whether not known is an answer.
    """

    name: str
    label: str
    kind: str
    allowed: str
    words: tuple[str, ...] = ()
    low: float = 0.0
    high: float = math.inf
    is_whole: bool = False
    may_be_empty: bool = False


def fields_of(model: ChurnModel) -> tuple[Field, ...]:
    """The fields that ``model`` asks for, in its order."""
    return tuple(field_of(model, name) for name in model.columns.names)


def field_of(model: ChurnModel, name: str) -> Field:
    """The field of one column."""
    told = model.columns.column(name)
    label, may_be_empty = told.label, name in MAY_BE_UNKNOWN
    if name in model.columns.categorical:
        return Field(name, label, "words", "one of the list", words=model.words[name])
    unit = {"share": " (%)", "change": " (change in %)", "bytes": " (MB)"}.get(told.kind, "")
    low, high = {"share": (0.0, 100.0), "change": (-99.9, math.inf)}.get(told.kind, LIMITS.get(name, NEVER_NEGATIVE))
    is_whole = name in WHOLE
    number = "whole number" if is_whole else "number"
    span = f"from {low:g} up" if math.isinf(high) else f"from {low:g} to {high:g}"
    allowed = f"{number} {span}{'; may stay empty' if may_be_empty else ''}"
    return Field(name, f"{label}{unit}", told.kind, allowed, (), low, high, is_whole, may_be_empty)


def written(field: Field, value: Value) -> str:
    """A value of the model's as it stands in the form."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if field.kind == "change":
        return f"{math.expm1(value) * 100:.6g}"
    shown = {"share": value * 100, "bytes": value / 1e6}.get(field.kind, value)
    return f"{shown:.0f}" if field.is_whole else f"{shown:.6g}"


def read_field(field: Field, text: str | None) -> tuple[Value, str]:
    """What was written, in the model's own units; and what is wrong with it, empty where nothing is."""
    cleaned = (text or "").strip()
    if not cleaned:
        return None, "" if field.may_be_empty else f"is missing: give {article(field)}{field.allowed}"
    if field.words:
        known = ", ".join(field.words)
        return (cleaned, "") if cleaned in field.words else (None, f"{cleaned[:LONGEST]} is none of {known}")
    try:
        number = float(cleaned)
    except ValueError:
        return None, f"{cleaned[:LONGEST]} is no number: give a {field.allowed}"
    if not math.isfinite(number) or abs(number) > LARGEST or not field.low <= number <= field.high:
        return None, f"{cleaned[:LONGEST]} is outside: give a {field.allowed}"
    if field.is_whole and number != int(number):
        return None, f"{cleaned[:LONGEST]} is no whole number: give a {field.allowed}"
    return in_model_units(field, number), ""


def article(field: Field) -> str:
    """What comes before what is allowed."""
    return "" if field.words else "a "


def in_model_units(field: Field, number: float) -> float:
    """``number`` as written, in the units of the model."""
    if field.kind == "change":
        return math.log1p(number / 100)
    return {"share": number / 100, "bytes": number * 1e6}.get(field.kind, number)


def read_form(fields: tuple[Field, ...], texts: Mapping[str, str | None]) -> tuple[dict[str, Value], dict[str, str]]:
    """Values by column, and what is wrong by column; where anything is, nothing may be predicted."""
    read = {field.name: read_field(field, texts.get(field.name)) for field in fields}
    return {name: value for name, (value, _) in read.items()}, {name: told for name, (_, told) in read.items() if told}
