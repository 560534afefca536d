"""What a format is, and what one file of it looks like."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from telflow.errors import InputError

LineKind = Literal["trailer", "comment", "skipped"]
Type = pl.DataType | type[pl.DataType]


class UnknownFormatError(InputError):
    """The content is of no format this package reads."""


@dataclass(frozen=True)
class Layout:
    """How the lines of one file are to be read: all that a part of it needs to know of its head. Small, and travels.

    Attributes:
        source_format: name of the format, as the table has it.
        text_format: name of the format of the lines, the same but for what ``nfdump`` prints of its binary files.
        columns: names of the columns in order, in this package's spelling; empty where each line names its own (JSON),
            or where no line can be read.
        header: text of the header line, which is no record wherever it stands.
        separator: character between two columns.
        zone: zone of times that carry none.
        sampling_rate: 1 of this many packets was exported, where the record does not say.
        exporter: name of the exporter, where the record does not say.
        quote: character that may enclose a value; None where no value is enclosed, or the format says which.
        unset: texts that stand for no value.
        set_separator: text between the members of a set.
        is_skipped: records that do not say themselves what they are, are no finished flows.
        has_heads: comment lines within the file name other columns; each counts for the lines below it.
    """

    source_format: str
    text_format: str
    columns: tuple[str, ...] = ()
    header: str = ""
    separator: str = ","
    zone: str = "UTC"
    sampling_rate: int = 1
    exporter: str | None = None
    quote: str | None = None
    unset: tuple[str, ...] = ()
    set_separator: str = ","
    is_skipped: bool = False
    has_heads: bool = False


@dataclass(frozen=True)
class Format:
    """How one format's records are read, as data.

    Attributes:
        fields: columns that are read, with their types; of JSON, dotted names reach into objects by ``paths``.
        required: columns without which a file is none of this format, and whose empty value is a missing field.
        draft: makes canonical drafts (``record.DRAFT``) of the columns in ``fields``.
        aliases: other spellings of a column's name, in lower case.
        line_kinds: patterns of lines that are no records.
        quote: character that may enclose a value.
        escape: character that is written before a quote within a value, where the quote is not doubled.
        paths: of JSON, where a field lies when not under its own name at the top.
        needs_one_of: of each of these groups a file needs one column, and a record one value.
    """

    fields: Mapping[str, Type]
    required: tuple[str, ...]
    draft: Callable[[pl.DataFrame, Layout], pl.DataFrame]
    is_json: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    line_kinds: tuple[tuple[str, LineKind], ...] = ()
    quote: str | None = None
    escape: str | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs_one_of: tuple[tuple[str, ...], ...] = ()


def missing_columns(form: Format, columns: Sequence[str]) -> list[str]:
    """Columns that the format needs and the header does not have."""
    missing = [column for column in form.required if column not in columns]
    return missing + [" or ".join(group) for group in form.needs_one_of if not set(group) & set(columns)]
