"""The fields of the churn form: what may stand in each, in which unit, and what is wrong with what was written.

A change is written as a percentage of what was before: one of 99.9999 % less would lose its digits.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telflow.churn.served import ChurnModel

Value = float | str | None
LARGEST: Final = 1e15
NEVER_NEGATIVE: Final = (0.0, LARGEST)
BY_KIND: Final = {"share": (0.0, 100.0), "change": (1e-300, 1e300)}  # as written: what is left may be next to nothing
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
LONGEST: Final = 40
MAY_STAY_EMPTY: Final = "; may stay empty"


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
    label = told.label
    if name in model.columns.categorical:  # the model takes a word it has not learnt for none
        words = model.words[name]
        return Field(name, label, "words", f"one of the list{MAY_STAY_EMPTY}", words=words, may_be_empty=True)
    unit = {"share": " (%)", "change": " (% of before)", "bytes": " (MB)"}.get(told.kind, "")
    low, high = BY_KIND.get(told.kind, LIMITS.get(name, NEVER_NEGATIVE))
    is_whole, may_be_empty = name in WHOLE, name in MAY_BE_UNKNOWN
    number = "whole number" if is_whole else "number"
    span = "from {low:g} up" if high == LARGEST else "from {low:g} to {high:g}"
    span = "above 0, 100 where nothing changed" if told.kind == "change" else span.format(low=low, high=high)
    allowed = f"{number} {span}{MAY_STAY_EMPTY if may_be_empty else ''}"
    return Field(name, f"{label}{unit}", told.kind, allowed, (), low, high, is_whole, may_be_empty)


def written(field: Field, value: Value) -> str:
    """A value of the model's as it stands in the form: what ``read_field`` takes, in six digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value if value in field.words else ""
    if field.kind == "change":
        return f"{math.exp(value) * 100:.6g}"
    shown = {"share": value * 100, "bytes": value / 1e6}.get(field.kind, value)
    return f"{shown:.0f}" if field.is_whole else f"{shown:.6g}"


def read_field(field: Field, text: str | None) -> tuple[Value, str]:
    """What was written, in the model's own units; and what is wrong with it, empty where nothing is."""
    cleaned = (text or "").strip()
    if not cleaned:
        return None, "" if field.may_be_empty else f"is missing: give a {field.allowed}"
    if field.words:
        known = ", ".join(field.words)
        return (cleaned, "") if cleaned in field.words else (None, f"{cleaned[:LONGEST]} is none of {known}")
    try:
        number = float(cleaned)
    except ValueError:
        return None, f"{cleaned[:LONGEST]} is no number: give a {field.allowed}"
    if not field.low <= number <= field.high:  # which not a number is not
        return None, f"{cleaned[:LONGEST]} is outside: give a {field.allowed}"
    if field.is_whole and number != int(number):
        return None, f"{cleaned[:LONGEST]} is no whole number: give a {field.allowed}"
    return in_model_units(field, number), ""


def in_model_units(field: Field, number: float) -> float:
    """``number`` as written, in the units of the model."""
    if field.kind == "change":
        return math.log(number / 100)
    return {"share": number / 100, "bytes": number * 1e6}.get(field.kind, number)


def read_form(fields: tuple[Field, ...], texts: Mapping[str, str | None]) -> tuple[dict[str, Value], dict[str, str]]:
    """Values by column, and what is wrong by column; where anything is, nothing may be predicted."""
    read = {field.name: read_field(field, texts.get(field.name)) for field in fields}
    return {name: value for name, (value, _) in read.items()}, {name: told for name, (_, told) in read.items() if told}
