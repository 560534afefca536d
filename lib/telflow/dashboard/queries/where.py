"""Conditions of a query with their parameters, so that no value ever becomes part of the SQL text."""

from collections.abc import Sequence
from dataclasses import dataclass

from telflow.dashboard.data import Value
from telflow.dashboard.filters import Filters, Period


@dataclass(frozen=True)
class Where:
    """Conditions that all have to hold."""

    conditions: tuple[str, ...] = ()
    parameters: tuple[Value, ...] = ()

    @property
    def sql(self) -> str:
        """The WHERE clause."""
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""

    def within(self, column: str, period: Period) -> "Where":
        """And ``column`` (date) lies in ``period``."""
        return self._with(f"{column} BETWEEN ? AND ?", period.first, period.last)

    def among(self, column: str, values: Sequence[Value]) -> "Where":
        """And ``column`` is one of ``values``; none of them means all."""
        marks = ", ".join("?" * len(values))
        return self._with(f"{column} IN ({marks})", *values) if values else self

    def equal(self, column: str, value: Value) -> "Where":
        """And ``column`` is ``value``."""
        return self._with(f"{column} = ?", value)

    def satisfying(self, condition: str, *values: Value) -> "Where":
        """And ``condition``, with ``values`` for its question marks."""
        return self._with(condition, *values)

    def _with(self, condition: str, *values: Value) -> "Where":
        return Where((*self.conditions, condition), (*self.parameters, *values))


@dataclass(frozen=True)
class Source:
    """Rows that traffic is added up from.

    Attributes:
        relations: what a query on it reads; the first has the rows.
        where: which of them.
        bytes: those of a row.
        flows: those of a row; NULL where they are not kept.
    """

    relations: Sequence[str]
    where: Where
    bytes: str = "bytes"
    flows: str = "flows"

    @property
    def sql(self) -> str:
        """The FROM clause with the conditions."""
        return f"FROM {self.relations[0]} {self.where.sql}"


def chosen(filters: Filters, period: Period, day: str, lists: Sequence[str] = ("category", "plan", "region")) -> Where:
    """Conditions of ``period`` on the column ``day``, and of the filters named in ``lists``."""
    where = Where().within(day, period)
    for name in lists:
        where = where.among(name, filters.values(name))
    return where
