"""Rules from the trend of a category to a service: a table that people review, with a version of its own."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telflow.classify.categories import parse_version
from telflow.classify.reviewed import ReviewedTable, check_known, read_reviewed
from telflow.errors import ReviewedTableError
from telflow.settings import conf_folder

COLUMNS: Final = ("rule", "category", "least_share", "service", "monthly_price", "with_larger_plan", "need")
WORDS: Final = ("rule", "service", "need")
YES_NO: Final = ("yes", "no")


@dataclass(frozen=True)
class Rule:
    """A service for those whose use of a category rises.

    Attributes:
        name: of the rule.
        category: whose trend it looks at.
        least_share: part of the recent bytes that the category must carry, 0 to 1.
        service: what is recommended.
        monthly_price: its price a month, in the provider's currency.
        with_larger_plan: whether it makes sense beside a larger plan.
        need: what the customer needs, in words.
    """

    name: str
    category: str
    least_share: float
    service: str
    monthly_price: float
    with_larger_plan: bool
    need: str


@dataclass(frozen=True)
class Rules:
    """The reviewed rules and the version of their table."""

    version: str
    rules: tuple[Rule, ...]


def load_rules(path: str | None, known_categories: Collection[str]) -> Rules:
    """The reviewed table of rules, checked.

    Args:
        path: CSV with the columns of COLUMNS; None for ``base/advice_rules.csv`` of the settings.
        known_categories: categories that may stand in it.

    Raises:
        ReviewedTableError: an unknown category, a rule that stands twice, a name, service or need that is empty, a
            share or a price that is none, a need with a number in it, no version; it names file and line.
    """
    file = Path(path) if path is not None else conf_folder() / "base" / "advice_rules.csv"
    table = read_reviewed(file, COLUMNS)
    rules: dict[str, Rule] = {}
    for line, row in table.rows:
        check_known(table, line, "category", row["category"], known_categories)
        check_known(table, line, "with_larger_plan", row["with_larger_plan"], YES_NO)
        for column in WORDS:
            if not row[column]:
                raise ReviewedTableError(
                    f"{table.path}, line {line}, column {column}: it is empty; fill it, or take the line out"
                )
        if row["rule"] in rules:
            raise ReviewedTableError(
                f"{table.path}, line {line}, column rule: {row['rule']!r} stands there twice; rename one"
            )
        if re.search(r"\d", row["need"]):
            raise ReviewedTableError(
                f"{table.path}, line {line}, column need: {row['need']!r} holds a number, and numbers of a reason come "
                "from tables alone; write it without"
            )
        rules[row["rule"]] = Rule(
            name=row["rule"],
            category=row["category"],
            least_share=number(table, line, "least_share", row, 1.0),
            service=row["service"],
            monthly_price=number(table, line, "monthly_price", row, float("inf")),
            with_larger_plan=row["with_larger_plan"] == "yes",
            need=row["need"],
        )
    return Rules(parse_version(table), tuple(rules.values()))


def number(table: ReviewedTable, line: int, column: str, row: dict[str, str], most: float) -> float:
    """Value of ``column`` as a number from 0 to ``most``.

    Raises:
        ReviewedTableError: it is none.
    """
    try:
        value = float(row[column])
    except ValueError:
        value = -1.0
    if not 0 <= value <= most or value == float("inf"):
        limit = f"from 0 to {most:g}" if most < float("inf") else "not below 0"
        raise ReviewedTableError(f"{table.path}, line {line}, column {column}: {row[column]!r} is no number {limit}")
    return value
