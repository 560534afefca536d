"""One pass over a file before it is parsed: what it is, its hash, its lines, and the parts it can be parsed in."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import numpy as np

from telflow.errors import InputError
from telflow.ingest.detect import detect_layout
from telflow.ingest.files import CutError, Storage, read_content, storage_of
from telflow.ingest.formats import NFCAPD
from telflow.ingest.layout import Layout, UnknownFormatError
from telflow.ingest.zeek_head import HeadWatch
from telflow.settings import SourceSettings

Status = Literal["kept", "cut", "empty", "unknown_format", "unreadable", "interim"]
HEAD_BYTES: Final = 1 << 16
LINE_END: Final = 10
FILE_ID_BITS: Final = 62
MARK: Final = b"\xef\xbb\xbf"  # some editors put it before UTF-8 text


@dataclass(frozen=True)
class Chunk:
    """A part of a file that is parsed by itself.

    Attributes:
        path: the file.
        storage: how it is stored; only a plain file has more than one chunk.
        layout: how its lines are to be read.
        file_id: identity of the file's content.
        offset: first byte of the part.
        length: bytes of the part; None up to the end.
        first_line: number of its first line, from 1.
    """

    path: str
    storage: Storage
    layout: Layout
    file_id: int
    offset: int
    length: int | None
    first_line: int


@dataclass(frozen=True)
class FileScan:
    """What one pass found of a file.

    Attributes:
        path: the file.
        size_bytes: size on disk.
        modified_at: modification time on disk, UTC; 1970 of a file that is not there any more.
        compression: none, gzip, bzip2 or zstd.
        content_hash: SHA-256, hex, of the content after decompression; of nfdump's binary files of the file itself.
        file_id: first 62 bits of the hash.
        content_bytes: bytes that were hashed.
        lines_read: lines of the content, headers and trailers included; 0 where no line is to be parsed.
        source_format: name of the format; None where it is none.
        status: ``kept``, ``cut``, ``empty``, ``unknown_format``, ``unreadable`` or ``interim``, before parsing.
        message: what is wrong and what to do; None where nothing is.
        chunks: the parts to parse; none where no line is to be parsed.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    compression: str
    content_hash: str
    file_id: int
    content_bytes: int
    lines_read: int
    source_format: str | None
    status: Status
    message: str | None
    chunks: tuple[Chunk, ...] = ()


@dataclass
class Tally:
    """What a pass adds up: the hash, the lines, and where the parts begin."""

    chunk_bytes: int
    digest: "hashlib._Hash"
    size: int = 0
    ends: int = 0
    last: int = LINE_END
    next_cut: int = 0
    starts: list[tuple[int, int]] | None = None  # offset and number of the first line of each part

    @property
    def lines(self) -> int:
        return self.ends + (self.last != LINE_END)

    def add(self, piece: bytes) -> None:
        """Take in the next piece of the content."""
        self.digest.update(piece)
        if self.starts is not None and self.next_cut < self.size + len(piece):
            self.cut(piece, self.starts)
        self.ends += line_ends(piece)
        self.size += len(piece)
        self.last = piece[-1]

    def cut(self, piece: bytes, starts: list[tuple[int, int]]) -> None:
        """Note where in the piece a new part begins: after the first line end past each multiple of the part's size."""
        while self.next_cut < self.size + len(piece):
            end = piece.find(b"\n", max(self.next_cut - self.size, 0))
            if end < 0:
                return
            starts.append((self.size + end + 1, self.ends + line_ends(piece[: end + 1]) + 1))
            self.next_cut = self.size + end + 1 + self.chunk_bytes


def line_ends(piece: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(piece, np.uint8) == LINE_END))


def scan_file(path: Path, source: SourceSettings, chunk_bytes: int) -> FileScan:
    """Scan a file; whatever is wrong with it is told by ``status`` and ``message``, never raised.

    Args:
        path: the file.
        source: what the settings know of files of this name.
        chunk_bytes: about how many bytes a part of a plain file holds.
    """
    blank = FileScan(str(path), 0, datetime.fromtimestamp(0, UTC), "none", "", 0, 0, 0, None, "unreadable", None)
    try:
        about = path.stat()
        modified = datetime.fromtimestamp(about.st_mtime, UTC)
        blank = replace(blank, size_bytes=about.st_size, modified_at=modified)
        return scan_content(path, storage_of(path), source, chunk_bytes, blank)
    except (OSError, InputError) as error:
        return replace(blank, message=f"{path} cannot be read: {error}")


def scan_content(path: Path, storage: Storage, source: SourceSettings, chunk_bytes: int, blank: FileScan) -> FileScan:
    """Scan the content of a file that can be opened."""
    is_plain = storage == "none"
    tally = Tally(chunk_bytes, hashlib.sha256(), starts=[(0, 1)] if is_plain else None, next_cut=chunk_bytes)
    head, fault, watch = b"", None, HeadWatch()
    try:
        for piece in read_content(path, storage):
            if piece:
                head += piece[: HEAD_BYTES - len(head)]
                tally.add(piece)
                if head.removeprefix(MARK).startswith(b"#"):
                    watch.add(piece)
    except CutError as error:
        fault = str(error)
    is_binary = storage == "nfcapd"
    content_hash = file_hash(path) if is_binary else tally.digest.hexdigest()
    scanned = replace(
        blank,
        compression="none" if is_binary else storage,
        content_hash=content_hash,
        file_id=file_id_of(content_hash),
        content_bytes=blank.size_bytes if is_binary else tally.size,
    )
    if fault is not None and not tally.size:
        return replace(scanned, status="unreadable", message=fault)
    if not head.strip():
        return replace(scanned, status="empty", message=f"{path} is empty: take it out, or fetch it again")
    try:
        layout = replace(find_layout(head, storage, source, str(path)), has_heads=watch.differs)
    except UnknownFormatError as error:
        told = str(error).encode("utf-8", "replace").decode()  # it may quote half a character of JSON's
        return replace(scanned, status="unknown_format", message=told)
    interim = f"{path} holds interim records of connections that are logged when they close: none is counted"
    status: Status = "cut" if fault is not None else "interim" if layout.is_skipped else "kept"
    return replace(
        scanned,
        lines_read=tally.lines,
        source_format=layout.source_format,
        status=status,
        message=fault or (interim if layout.is_skipped else None),
        chunks=tuple(chunks_of(path, storage, layout, scanned.file_id, tally)),
    )


def find_layout(head: bytes, storage: Storage, source: SourceSettings, path: str) -> Layout:
    """Layout of the content; nfdump's binary files are known by their storage, and printed in UTC."""
    if storage != "nfcapd":
        if source.format == NFCAPD:
            raise UnknownFormatError(f"{path} is no binary file of nfdump, but the settings say {NFCAPD}")
        return detect_layout(head, source, path)
    if source.format not in (None, NFCAPD):
        raise UnknownFormatError(f"{path} is a binary file of nfdump, but the settings say {source.format}")
    printed = detect_layout(head, source.model_copy(update={"format": None}), path)
    return replace(printed, source_format=NFCAPD, zone="UTC")


def chunks_of(path: Path, storage: Storage, layout: Layout, file_id: int, tally: Tally) -> Iterator[Chunk]:
    """The parts of a file; one only where it is not plain, or has heads that have to be read in their order."""
    if tally.starts is None or layout.has_heads:
        yield Chunk(str(path), storage, layout, file_id, 0, None, 1)
        return
    starts = [start for start in tally.starts if start[0] < tally.size]
    for (offset, first_line), end in zip(starts, [*(start[0] for start in starts[1:]), tally.size], strict=True):
        yield Chunk(str(path), storage, layout, file_id, offset, end - offset, first_line)


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_id_of(content_hash: str) -> int:
    """First 62 bits of a hash: room is left for a line number to be added within 64 bits."""
    return int(content_hash[:16], 16) >> (64 - FILE_ID_BITS)
