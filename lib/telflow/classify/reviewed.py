"""Tables that people review: small CSV files in conf, with notes on lines that start with #."""

import csv
import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from telflow.errors import ReviewedTableError


@dataclass(frozen=True)
class ReviewedTable:
    """A reviewed table as it stands in its file.

    Attributes:
        path: the file, for messages.
        notes: lines that start with #, with their line numbers from 1, without the #.
        rows: fields by column name, with their line numbers.
    """

    path: str
    notes: tuple[tuple[int, str], ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_reviewed(file: Traversable, columns: Sequence[str]) -> ReviewedTable:
    """A reviewed table with ``columns``, among any others.

    Raises:
        ReviewedTableError: the file is missing, lacks a column or has a row of another width.
    """
    if not file.is_file():
        raise ReviewedTableError(f"{file} is missing: restore it, or name another one in the settings")
    lines = list(enumerate(file.read_text(encoding="utf-8").splitlines(), start=1))
    notes = tuple((number, line.removeprefix("#").strip()) for number, line in lines if line.startswith("#"))
    table = [(number, next(csv.reader([line]))) for number, line in lines if line.strip() and not line.startswith("#")]
    header_line, header = table[0] if table else (1, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise ReviewedTableError(
            f"{file}, line {header_line}: column {', '.join(missing)} is missing; the header needs {','.join(columns)}"
        )
    for number, values in table[1:]:
        if len(values) != len(header):
            raise ReviewedTableError(
                f"{file}, line {number}: {len(values)} fields instead of {len(header)}; "
                'put a field that holds a comma in "quotes"'
            )
    rows = ((number, dict(zip(header, map(str.strip, values), strict=True))) for number, values in table[1:])
    return ReviewedTable(str(file), notes, tuple(rows))


def check_known(table: ReviewedTable, line: int, column: str, value: str, known: Collection[str]) -> None:
    """Raises ReviewedTableError, with the nearest known one, where ``value`` is not known."""
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ReviewedTableError(f"{table.path}, line {line}, column {column}: {value!r} is not known{hint}")
