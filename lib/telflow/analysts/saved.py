"""Saved SQL that comes with the package: views for BI tools, and the questions that people ask, a file each.

A file begins with what it answers as a comment, then a comment for each column of the answer, ``-- column: meaning and
unit``. The rest is one SELECT in Spark's SQL over tables and views by their bare names, so that it runs as it stands
wherever these names resolve: a schema chosen in a workspace, or the names that ``register`` makes.
"""

import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import dropwhile, takewhile
from string import Template
from typing import TypeVar

from telflow.errors import UnknownNameError
from telflow.tables import ALL_TABLES, Table

SOURCE = re.compile(r"\b(FROM|JOIN)\s+(\w+)", re.IGNORECASE)
LEFT_JOINED = re.compile(r"\bLEFT\s+JOIN\s+(\w+)", re.IGNORECASE)
VIEWS, QUESTIONS = "views", "questions"
Found = TypeVar("Found")


@dataclass(frozen=True)
class SavedQuery:
    """A SELECT with a name.

    Attributes:
        name: of the view, or of the question.
        answers: what it tells, in a line.
        columns: meaning and unit of each column of the answer, in order.
        sql: the SELECT; in views ``${zone}`` stands for the provider's time zone.
    """

    name: str
    answers: str
    columns: dict[str, str]
    sql: str

    @property
    def sources(self) -> list[str]:
        """Names that it reads, in order."""
        return list(dict.fromkeys(found[1] for found in SOURCE.findall(self.sql)))

    @property
    def tables(self) -> list[Table]:
        """Declared tables that it reads, by itself or through views."""
        own = set(self.sources)
        through = {name for view in saved_views() if view.name in own for name in view.sources}
        return [table for table in ALL_TABLES if table.name in own | through]

    @property
    def required(self) -> list[Table]:
        """Those of ``tables`` that it cannot be asked without: a view does without what it takes in by LEFT JOIN."""
        views = [view for view in saved_views() if view.name in {self.name, *self.sources}]
        direct = set() if self in views else set(self.sources)
        optional = {name for view in views for name in LEFT_JOINED.findall(view.sql)} - direct
        return [table for table in self.tables if table.name not in optional]

    def in_zone(self, zone: str) -> str:
        """The SELECT with local times of ``zone``."""
        return Template(self.sql).substitute(zone=zone)


def saved_views() -> tuple[SavedQuery, ...]:
    """The views for BI: flat columns, and counts estimated from sketches."""
    return load_folder(VIEWS)


def saved_questions() -> tuple[SavedQuery, ...]:
    """The questions that people ask, sorted by name."""
    return load_folder(QUESTIONS)


def find_question(name: str) -> SavedQuery:
    """The question ``name``.

    Raises:
        UnknownNameError: no question has that name; it names the nearest.
    """
    return known(name, {question.name: question for question in saved_questions()}, "question")


def known(name: str, named: dict[str, Found], kind: str) -> Found:
    """What ``name`` names, else an error with the nearest name."""
    if name not in named:
        near = difflib.get_close_matches(name, named, n=1, cutoff=0)
        raise UnknownNameError(f"{kind} {name} is not known: did you mean {near[0]}?")
    return named[name]


@cache
def load_folder(folder: str) -> tuple[SavedQuery, ...]:
    """All files of ``folder``, sorted by name."""
    found = resources.files("telflow.analysts") / "sql" / folder
    files = sorted((file for file in found.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files)


def parse(name: str, text: str) -> SavedQuery:
    """A file's text, taken apart."""
    lines = text.strip().splitlines()
    answers, *described = [line.removeprefix("--").strip() for line in takewhile(is_comment, lines)]
    columns = dict(comment.split(": ", 1) for comment in described)
    return SavedQuery(name, answers, columns, "\n".join(dropwhile(is_comment, lines)))


def is_comment(line: str) -> bool:
    return line.startswith("--")
