"""Values in words."""

from math import log, nan

import pytest

from telflow.churn.columns import Column, Columns, Kind


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (2.0, "number", "2"),
        (0.123456, "number", "0.1235"),
        (0.25, "share", "25 %"),
        (log(0.5), "change", "-50 %"),
        (log(2.0), "change", "+100 %"),
        (1.5e9, "bytes", "1.5 GB"),
        (999.0, "bytes", "999 bytes"),
        (1000.0, "bytes", "1 kB"),
        ("two-year", "words", "two-year"),
        (None, "words", "not known"),
        (nan, "share", "not known"),
    ],
)
def test_a_value_is_told_by_its_kind(value: float | str | None, kind: Kind, told: str) -> None:
    assert Column("use", kind).tell(value) == f"use: {told}"


def test_a_column_without_words_is_told_by_its_name() -> None:
    columns = Columns(("tenure",), ("Contract",), {"tenure": Column("months")})
    assert columns.column("tenure").tell(3.0) == "months: 3"
    assert columns.column("Contract").tell("One year") == "Contract: One year"
    assert columns.names == ("tenure", "Contract")
