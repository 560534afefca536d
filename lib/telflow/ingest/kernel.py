"""Chunks of files, and lines in hand, into rows of flows and rejected lines.

Nothing here knows Spark: its workers call :func:`parse_chunk` on parts of files, the streaming job
:func:`parse_lines` on what it received.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from telflow.ingest.files import CutError, read_content
from telflow.ingest.finish import finish
from telflow.ingest.formats import FORMATS
from telflow.ingest.layout import Format, Layout
from telflow.ingest.record import RAW_CHARACTERS, REJECT_SCHEMA, ParseContext, Reason
from telflow.ingest.scan import MARK, Chunk
from telflow.ingest.text import Records, read_records
from telflow.ingest.zeek_head import HeadReader

BLOCK_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class Counts:
    """What became of the lines of a block; they add up to its lines."""

    kept: int = 0
    quarantined: int = 0
    trailer: int = 0
    comment: int = 0
    skipped: int = 0

    @property
    def lines(self) -> int:
        return self.kept + self.quarantined + self.trailer + self.comment + self.skipped


@dataclass(frozen=True)
class ParsedBlock:
    """A parsed block.

    Attributes:
        flows: rows of the table, columns as in ``record.FLOW_SCHEMA``.
        rejects: ``line``, ``reason``, ``raw``; the raw text is cut after 4096 characters.
        counts: what became of the lines.
        is_cut: the last line has no end and is unparsable or lacks a field: the file it came from is cut.
    """

    flows: pa.Table
    rejects: pa.Table
    counts: Counts
    is_cut: bool


def parse_chunk(chunk: Chunk, context: ParseContext) -> Iterator[ParsedBlock]:
    """Parse a part of a file, block by block; of a damaged file, what can be read of it."""
    line = chunk.first_line
    heads = HeadReader(chunk.layout)
    for block in line_blocks(read_chunk(chunk)):
        for part, layout in heads.parts(block) if chunk.layout.has_heads else [(block, chunk.layout)]:
            parsed = parse_lines(part, layout, line, chunk.file_id, context)
            line += parsed.counts.lines
            yield parsed


def read_chunk(chunk: Chunk) -> Iterator[bytes]:
    """Content of the chunk in pieces."""
    if chunk.length is None:
        with suppress(CutError):  # the scan has told of it
            yield from read_content(Path(chunk.path), chunk.storage)
        return
    left = chunk.length
    with Path(chunk.path).open("rb", buffering=0) as file:
        file.seek(chunk.offset)
        while left and (piece := file.read(left if left < 2 * BLOCK_BYTES else BLOCK_BYTES)):
            left -= len(piece)
            yield piece


def line_blocks(pieces: Iterable[bytes], block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The same bytes in blocks of about ``block_bytes`` that end where a line ends."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end and size + end >= block_bytes:
            yield b"".join([*held, piece[:end]])
            held, size = [piece[end:]], len(piece) - end
        else:
            held.append(piece)
            size += len(piece)
    if size:
        yield b"".join(held)


def parse_lines(data: bytes, layout: Layout, first_line: int, file_id: int, context: ParseContext) -> ParsedBlock:
    """Parse whole lines.

    Args:
        data: the lines; the last one may lack its end.
        layout: how to read them.
        first_line: number of the first of them, from 1.
        file_id: identity of the file; a flow's is this plus the number of its line.
        context: what records are judged by.
    """
    is_open = bool(data) and not data.endswith(b"\n")
    if first_line == 1:
        data = data.removeprefix(MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    source = FORMATS[layout.text_format]
    records = read_records(data, layout, source)
    draft = source.draft(records.frame, layout)
    is_record = bool(len(records.places)) and records.places[-1] == records.lines - 1
    if is_open and is_record and ends_in_number(data, layout, source):
        draft = with_last_unparsable(draft)
    done = finish(
        draft, is_missing(records.frame, source), records.places + (file_id + first_line), layout.source_format, context
    )
    rejects = reject_rows(data, records, done.faults, first_line)
    counts = Counts(
        kept=len(done.flows),
        quarantined=len(rejects),
        trailer=records.counts.get("trailer", 0),
        comment=records.counts.get("comment", 0),
        skipped=records.counts.get("skipped", 0) + done.skipped,
    )
    is_cut = is_open and lacks_something(rejects, first_line + counts.lines - 1)
    return ParsedBlock(done.flows, rejects, counts, is_cut)


def ends_in_number(data: bytes, layout: Layout, source: Format) -> bool:
    """Whether the last record's last value is a number that is read: nobody can tell how many digits it is to have."""
    if not layout.columns or layout.columns[-1] not in source.fields:
        return False
    last = data[max(data.rfind(layout.separator.encode()), data.rfind(b"\n")) + 1 :]
    return re.fullmatch(rb"[\d.]+", last) is not None


def with_last_unparsable(draft: pl.DataFrame) -> pl.DataFrame:
    """The draft, its last record rejected."""
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    return draft.with_columns(
        pl.when(is_last).then(pl.lit(Reason.UNPARSABLE.value)).otherwise("reason").alias("reason")
    )


def lacks_something(rejects: pa.Table, line: int) -> bool:
    """Whether a line was rejected because it could not be read, or a field was missing."""
    found = [row for row in rejects.slice(max(len(rejects) - 1, 0)).to_pylist() if row["line"] == line]
    return any(row["reason"] in (Reason.UNPARSABLE, Reason.MISSING_FIELD) for row in found)


def is_missing(frame: pl.DataFrame, source: Format) -> pl.Series:
    """Per record, whether a field is empty that the format cannot do without, or all of which it needs one."""
    groups = [*((name,) for name in source.required), *source.needs_one_of]
    is_empty = [pl.all_horizontal(pl.col(name).is_null() for name in group) for group in groups]
    return frame.select(pl.any_horizontal(is_empty)).to_series()


def reject_rows(data: bytes, records: Records, faults: pl.DataFrame, first_line: int) -> pa.Table:
    """Number, reason and text of each rejected line, in their order."""
    reasons = dict.fromkeys(records.unparsable, Reason.UNPARSABLE.value)
    reasons.update(zip(records.places[faults["place"].to_numpy()].tolist(), faults["reason"].to_list(), strict=True))
    places = sorted(reasons)
    columns = {
        "line": [first_line + place for place in places],
        "reason": [reasons[place] for place in places],
        "raw": texts(data, places),
    }
    told = pl.DataFrame(columns, schema={"line": pl.Int64, "reason": pl.String, "raw": pl.String})
    return told.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(REJECT_SCHEMA)


def texts(data: bytes, places: list[int]) -> list[str]:
    """Text of the lines at ``places``, up to the length that is kept of a rejected line."""
    if not places:
        return []
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    bounds = np.concatenate(([-1], ends, [len(data)]))
    lines = [
        data[bounds[place] + 1 : min(bounds[place + 1], bounds[place] + 1 + 4 * RAW_CHARACTERS)] for place in places
    ]
    return [line.decode("utf-8", "replace")[:RAW_CHARACTERS] for line in lines]
