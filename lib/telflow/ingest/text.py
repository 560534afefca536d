"""Lines of text into typed columns: at once where every line is sound, with care where one is not.

Polars reads a sound block in one go, only the columns that are wanted. It fills short lines with nulls and stops at
the first value it cannot read, so a block is taken that way only when each of its lines is seen to hold all columns;
any other block is read again line by line as text, and each line that is no record gets its reason.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.exceptions import PolarsError

from telflow.ingest.layout import Format, Layout, LineKind
from telflow.ingest.record import NOT_A_NUMBER, TOO_LARGE

CAREFUL_BYTES = 1 << 16  # a block up to this size is read line by line where it is not sound
PARTS = 16  # a larger one is read again in so many parts: one bad line must not make its whole block slow
MAX_EDGE_LINES = 64  # header or trailer lines looked for at each end of a block before it is read with care
LINE_END = 10
TEXT = pl.String()
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # JSON may escape one of a pair alone, and no table can hold it
SURPLUS = "#"  # a column after the last, which is empty unless a line is too long


@dataclass(frozen=True)
class Records:
    """The records of a block, typed, and what its other lines are.

    Attributes:
        frame: one row a record, columns as in the format's ``fields``.
        places: number of each record's line within the block, from 0.
        unparsable: places of lines that are no records at all.
        counts: number of trailer, comment and skipped lines.
    """

    frame: pl.DataFrame
    places: npt.NDArray[np.int64]
    unparsable: list[int] = field(default_factory=list)
    counts: dict[LineKind, int] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """Number of lines of the block."""
        return len(self.frame) + len(self.unparsable) + sum(self.counts.values())


def read_records(data: bytes, layout: Layout, source: Format) -> Records:
    """The records of a block of lines, each ended by a line feed, the last one maybe not."""
    if not source.is_json and not layout.columns:
        return all_unparsable(data, layout, source)
    records = read_sound(data, layout, source)
    if records is not None:
        return records
    if len(data) <= CAREFUL_BYTES:
        return read_with_care(data, layout, source)
    parts = list(split_block(data, max(len(data) // PARTS, CAREFUL_BYTES // 2)))
    if len(parts) == 1:
        return read_with_care(data, layout, source)
    return joined([read_records(part, layout, source) for part in parts])


def all_unparsable(data: bytes, layout: Layout, source: Format) -> Records:
    """The lines of a block of which nobody knows the columns."""
    kinds = [line_kind(line, layout, source) for line in data.removesuffix(b"\n").split(b"\n")] if data else []
    counts: dict[LineKind, int] = {}
    for kind in kinds:
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + 1
    unparsable = [place for place, kind in enumerate(kinds) if kind is None]
    return Records(pl.DataFrame(schema=dict(source.fields)), np.empty(0, np.int64), unparsable, counts)


def split_block(data: bytes, part_bytes: int) -> Iterator[bytes]:
    """Parts of about ``part_bytes`` that end where a line ends."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + part_bytes) + 1 or len(data)
        yield data[start:end]
        start = end


def joined(parts: Sequence[Records]) -> Records:
    """The records of parts that follow one another, as those of one block."""
    places: list[npt.NDArray[np.int64]] = []
    unparsable: list[int] = []
    before = 0
    counts: dict[LineKind, int] = {}
    for part in parts:
        places.append(part.places + before)
        unparsable.extend(place + before for place in part.unparsable)
        for kind, number in part.counts.items():
            counts[kind] = counts.get(kind, 0) + number
        before += part.lines
    return Records(pl.concat([part.frame for part in parts]), np.concatenate(places), unparsable, counts)


def read_sound(data: bytes, layout: Layout, source: Format) -> Records | None:
    """The records of a block in which every line between head and trailer is sound; None where one is not."""
    body, head, tail = trim(data, layout, source)
    if not body:
        return None
    try:
        frame = read_json(body, source) if source.is_json else read_csv(body, layout, source)
    except (PolarsError, OSError):  # Polars takes a block that begins like gzip or zstd for such a file
        return None
    total = len(frame)
    # only quotes and JSON's blank lines can make rows and lines differ
    if (source.is_json or quote_of(layout, source) is not None) and total != count_lines(body):
        return None
    if not (source.is_json or has_all_columns(body, frame, layout)):
        return None
    counts: dict[LineKind, int] = {}
    for kind in head + tail:
        counts[kind] = counts.get(kind, 0) + 1
    return Records(complete(frame, source), np.arange(len(head), len(head) + total), [], counts)


def count_lines(data: bytes) -> int:
    """Number of lines, the last one's missing end not mattering."""
    ends = int(np.count_nonzero(np.frombuffer(data, np.uint8) == LINE_END))
    return ends if not data or data.endswith(b"\n") else ends + 1


def trim(data: bytes, layout: Layout, source: Format) -> tuple[bytes, list[LineKind], list[LineKind]]:
    """The block without the lines at its two ends that are no records, and what they are."""
    head: list[LineKind] = []
    tail: list[LineKind] = []
    start, end = 0, len(data)
    while start < end and len(head) < MAX_EDGE_LINES:
        after = data.find(b"\n", start, end) + 1 or end
        kind = line_kind(data[start:after], layout, source)
        if kind is None:
            break
        head.append(kind)
        start = after
    while start < end and len(tail) < MAX_EDGE_LINES:
        before = data.rfind(b"\n", start, end - 1) + 1 or start
        kind = line_kind(data[before:end], layout, source)
        if kind is None:
            break
        tail.append(kind)
        end = before
    return data[start:end], head, tail


def line_kind(line: bytes, layout: Layout, source: Format) -> LineKind | None:
    """What a line is that is no record; None for one that should be."""
    text = line[:4096].decode("utf-8", "replace").strip("\ufeff\r\n")
    if not text.strip() or text == layout.header:
        return "comment"
    return next((kind for pattern, kind in source.line_kinds if re.match(pattern, text)), None)


def read_csv(body: bytes, layout: Layout, source: Format) -> pl.DataFrame:
    """The wanted columns, typed; raises where a value cannot be read."""
    wanted = wanted_columns(layout, source)
    schema = {name: source.fields.get(name, TEXT) for name in layout.columns} | {SURPLUS: TEXT}
    scan = pl.scan_csv(
        body,
        has_header=False,
        separator=layout.separator,
        quote_char=quote_of(layout, source),
        schema=schema,
        null_values=list(layout.unset) or None,
        missing_columns="insert",
    )
    return scan.select(wanted).collect()


def quote_of(layout: Layout, source: Format) -> str | None:
    """Character that may enclose a value of this file."""
    return layout.quote or source.quote


def wanted_columns(layout: Layout, source: Format) -> list[str]:
    """Columns to read: the format's, the last one, which a short line does not have, and one more than there are."""
    wanted = [name for name in layout.columns if name in source.fields]
    return list(dict.fromkeys([*wanted, layout.columns[-1], SURPLUS]))


def has_all_columns(body: bytes, frame: pl.DataFrame, layout: Layout) -> bool:
    """Whether each line holds as many columns as the header, no fewer and no more."""
    if frame[SURPLUS].null_count() < len(frame):
        return False
    if not frame[layout.columns[-1]].null_count():
        return True
    octets = np.frombuffer(body if body.endswith(b"\n") else body + b"\n", np.uint8)
    marks = octets[(octets == ord(layout.separator)) | (octets == LINE_END)]
    width = len(layout.columns)
    if len(marks) != width * len(frame):
        return False
    return bool((marks[width - 1 :: width] == LINE_END).all()) and int((marks == LINE_END).sum()) == len(frame)


def complete(frame: pl.DataFrame, source: Format) -> pl.DataFrame:
    """The frame with every column of the format, those that the file does not have as nulls."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in source.fields.items() if name not in frame.columns]
    return frame.with_columns(absent).select(list(source.fields))


def read_json(body: bytes, source: Format) -> pl.DataFrame:
    """The wanted keys, typed; raises where a line is no JSON object or a value not of its type."""
    frame = pl.read_ndjson(body, schema=json_schema(source))
    return frame.select(json_value(name, source).alias(name) for name in source.fields)


def json_schema(source: Format) -> dict[str, Any]:
    """Schema of the objects, nested where ``paths`` say so."""
    schema: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, dtype in source.fields.items():
        path = source.paths.get(name, (name,))
        if len(path) == 1:
            schema[path[0]] = dtype
        else:
            inner.setdefault(path[0], {})[path[1]] = dtype
    return schema | {name: pl.Struct(fields) for name, fields in inner.items()}


def json_value(name: str, source: Format) -> pl.Expr:
    path = source.paths.get(name, (name,))
    return pl.col(path[0]) if len(path) == 1 else pl.col(path[0]).struct.field(path[1])


def read_with_care(data: bytes, layout: Layout, source: Format) -> Records:
    """The records of a block, each line judged by itself."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    counts: dict[LineKind, int] = {}
    places: list[int] = []
    for place, line in enumerate(lines):
        kind = line_kind(line, layout, source)
        if kind is None:
            places.append(place)
        else:
            counts[kind] = counts.get(kind, 0) + 1
    texts = [lines[place].decode("utf-8", "replace") for place in places]
    rows = parse_objects(texts, source) if source.is_json else split_lines(texts, layout, source)
    whole = [number for number, row in enumerate(rows) if row is not None]
    fields = list(source.fields)
    values = {name: [row[name] for row in rows if row is not None] for name in fields}
    frame = pl.DataFrame(values, schema=dict.fromkeys(fields, TEXT))
    unparsable = [places[number] for number, row in enumerate(rows) if row is None]
    typed = frame.select(typed_column(name, dtype) for name, dtype in source.fields.items())
    return Records(typed, np.array([places[number] for number in whole], dtype=np.int64), unparsable, counts)


def split_lines(lines: Sequence[str], layout: Layout, source: Format) -> list[dict[str, str | None] | None]:
    """The wanted values of each line by name; None for a line with fewer or more columns than the header."""
    position = {name: layout.columns.index(name) for name in source.fields if name in layout.columns}
    nothing = {"", *layout.unset}
    rows: list[dict[str, str | None] | None] = []
    for line in lines:
        quote = quote_of(layout, source)
        values = split_line(line, layout.separator, quote)
        if source.escape and len(values) != len(layout.columns):
            values = split_line(line, layout.separator, quote, source.escape)
        if len(values) != len(layout.columns):
            rows.append(None)
            continue
        row: dict[str, str | None] = dict.fromkeys(source.fields)
        row.update((name, values[at]) for name, at in position.items() if values[at] not in nothing)
        rows.append(row)
    return rows


def split_line(line: str, separator: str, quote: str | None, escape: str | None = None) -> list[str]:
    """Values of a line; none where a quote is left open."""
    if quote is None or quote not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, quotechar=quote, escapechar=escape, strict=True))
    except csv.Error:
        return []


def parse_objects(lines: Sequence[str], source: Format) -> list[dict[str, str | None] | None]:
    """The wanted values of each JSON object as text; None for a line that is none."""
    rows: list[dict[str, str | None] | None] = []
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        rows.append(wanted_values(found, source) if isinstance(found, dict) else None)
    return rows


def wanted_values(found: dict[str, Any], source: Format) -> dict[str, str | None]:
    row: dict[str, str | None] = {}
    for name in source.fields:
        value: Any = found
        for key in source.paths.get(name, (name,)):
            value = value.get(key) if isinstance(value, dict) else None
        row[name] = value if value is None else text_of(value)
    return row


def text_of(value: Any) -> str:
    """A value of JSON as text, in the words in which Polars reads it: half a character as NUL, 6.0 as 6."""
    if isinstance(value, str):
        return HALF_CHARACTER.sub("\0", value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else json.dumps(value)


def typed_column(name: str, dtype: Any) -> pl.Expr:
    """Text of a column as its type, a stand-in that no flow may hold where it cannot be read."""
    value = pl.col(name).str.strip_chars()
    value = pl.when(value != "").then(value)
    if dtype == pl.Int64:
        return whole_number(value).alias(name)
    if dtype == pl.Float64:
        number = value.cast(pl.Float64, strict=False)
        return pl.when(value.is_not_null() & number.is_null()).then(float("nan")).otherwise(number).alias(name)
    return pl.col(name)


def whole_number(value: pl.Expr) -> pl.Expr:
    """A text as a whole number; ``NOT_A_NUMBER`` or ``TOO_LARGE`` where it is none, null where there is none."""
    number = value.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)  # 1.2E+11, a spreadsheet's, has lost digits
    is_large = value.str.contains(r"^\d{19,}$")
    garbled = pl.when(is_large).then(TOO_LARGE).otherwise(NOT_A_NUMBER)
    return pl.when(value.is_not_null()).then(pl.coalesce(number, garbled))
