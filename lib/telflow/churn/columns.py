"""Which columns a churn model looks at, and how a reason that comes from one is put in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["number", "share", "change", "bytes", "words"]
BYTE_STEPS: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True)
class Column:
    """How the value of a column is told to a reader.

    Attributes:
        label: what it is, in words.
        kind: ``number``; ``share`` of 1, told in percent; ``change`` in natural log units, told in percent; ``bytes``;
            ``words`` for a category.
    """

    label: str
    kind: Kind = "number"

    def tell(self, value: float | str | None) -> str:
        """The column and its value, such as ``complaints in the last 28 days: 2``."""
        return f"{self.label}: {format_value(value, self.kind)}"


@dataclass(frozen=True)
class Columns:
    """Columns of a churn table.

    Attributes:
        numeric: columns of numbers (double); null is a missing value.
        categorical: columns of words (string); null is a missing value.
        told: how they are told, where it is not by their name.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    told: Mapping[str, Column] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, numbers first."""
        return (*self.numeric, *self.categorical)

    def column(self, name: str) -> Column:
        """How column ``name`` is told."""
        return self.told.get(name, Column(name, "words" if name in self.categorical else "number"))


def format_value(value: float | str | None, kind: Kind) -> str:
    """``value`` for a reader; ``not known`` where it is missing."""
    if value is None or isinstance(value, str) or math.isnan(value):
        return value if isinstance(value, str) else "not known"
    if kind == "share":
        return f"{value * 100:.0f} %"
    if kind == "change":
        return f"{math.expm1(value) * 100:+.0f} %"
    if kind == "bytes":
        unit = next(((size, name) for size, name in BYTE_STEPS if abs(value) >= size), (1.0, "bytes"))
        return f"{value / unit[0]:.3g} {unit[1]}"
    return f"{value:.4g}"
