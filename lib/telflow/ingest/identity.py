"""Which files are new, and what of earlier readings they replace.

A file is *known* where the log has its path, size and modification time: it is not opened again. It is a *duplicate*
where its content was read before, by an earlier run or under another name. It has *outgrown* an earlier reading where
it begins with all that was read then: that was cut, or still being written. The reading was of the same path, or of
another in the same folder that is gone or holds something else by now: a log that was rotated. A file that was replaced
by another of the same name has outgrown nothing: both count.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from pyspark.sql import Row
from pyspark.sql import functions as F

from telflow.ingest.files import on_disk, read_content, storage_of
from telflow.ingest.formats import NFCAPD
from telflow.ingest.scan import FileScan
from telflow.ingest.spark import COUNTS
from telflow.lake import Lake
from telflow.tables import INGEST_LOG

READ = ("kept", "cut", "interim", "rejected")
FAULTS = ("cut", "rejected", "empty", "unknown_format", "unreadable")
RETRIED = ("unknown_format", "unreadable")  # settings or permissions may have been mended since


@dataclass(frozen=True)
class FileEntry:
    """A file of this run, as ``ingest_log`` tells of it."""

    scan: FileScan
    status: str
    message: str | None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    touched_days: tuple[date, ...] = ()


@dataclass(frozen=True)
class KnownFiles:
    """What the log tells of the files that came before.

    Attributes:
        log: rows of INGEST_LOG, and ``modified_micros``, the modification time in microseconds since 1970.
    """

    log: Sequence[Row]

    @classmethod
    def of(cls, lake: Lake) -> "KnownFiles":
        """The files that the log of ``lake`` knows."""
        return cls(lake.read(INGEST_LOG).withColumn("modified_micros", F.unix_micros("modified_at")).collect())

    @property
    def last_run(self) -> int:
        """The newest run that is told of."""
        return max((row.ingest_run for row in self.log), default=0)

    @cached_property
    def on_disk(self) -> set[tuple[str, int, int]]:
        return {(row.path, row.size_bytes, row.modified_micros) for row in self.log if row.status not in RETRIED}

    def unknown(self, paths: Iterable[Path]) -> list[Path]:
        """The files that have to be opened."""
        return [path for path in paths if on_disk(path) not in self.on_disk]

    def entries(self, scans: Iterable[FileScan]) -> list[FileEntry]:
        """An entry of each file, before its lines are parsed: of one content the first is read, the others not."""
        readers = {row.content_hash: row.path for row in self.log if row.status in READ}
        entries = []
        for scan in scans:
            if scan.status in READ and scan.content_hash in readers:
                entries.append(duplicate(scan, readers[scan.content_hash]))
                continue
            entries.append(FileEntry(scan, scan.status, scan.message))
            if scan.status in READ:
                readers[scan.content_hash] = scan.path
        return entries

    def outgrown_by(self, entries: Iterable[FileEntry]) -> list[Row]:
        """Earlier readings that ``entries`` have more of: duplicates too, for their content is read under some name."""
        grown = [entry.scan for entry in entries if entry.status in (*READ, "duplicate")]
        return [row for scan in grown for row in readings_within(scan, self.readings_moved_to(scan))]

    def readings_moved_to(self, scan: FileScan) -> list[Row]:
        """Shorter readings whose file may be that of ``scan``: by its path, or since it is no longer where it was."""
        return [
            row
            for row in self.text_readings[Path(scan.path).parent]
            if row.content_bytes < scan.content_bytes and (row.path == scan.path or row.path not in self.in_place)
        ]

    @cached_property
    def text_readings(self) -> defaultdict[Path, list[Row]]:
        """Readings whose content can grow, by folder: all but those of nfdump's binary files."""
        found: defaultdict[Path, list[Row]] = defaultdict(list)
        for row in self.log:
            if row.status in READ and row.source_format != NFCAPD:
                found[Path(row.path).parent].append(row)
        return found

    @cached_property
    def in_place(self) -> set[str]:
        """Paths at which the file that was read still lies."""
        read = {(row.path, row.size_bytes, row.modified_micros) for row in self.log if row.status in READ}
        return {path for path, *about in read if on_disk(Path(path)) == (path, *about)}

    def untold(self, entries: Iterable[FileEntry]) -> list[FileEntry]:
        """Entries that the log does not have in the same words already."""
        told = {(row.path, row.content_hash, row.status) for row in self.log}
        return [entry for entry in entries if (entry.scan.path, entry.scan.content_hash, entry.status) not in told]


def duplicate(scan: FileScan, twin: str) -> FileEntry:
    """Entry of a file whose content is read, or was, under the name ``twin``."""
    return FileEntry(replace(scan, chunks=()), "duplicate", f"same content as {twin}, which was read")


def readings_within(scan: FileScan, readings: Sequence[Row]) -> list[Row]:
    """Those of ``readings`` with whose content the file begins; one pass, no further than it has to go."""
    sizes = sorted({row.content_bytes for row in readings})
    hashes = prefix_hashes(Path(scan.path), sizes) if sizes else {}
    return [row for row in readings if hashes.get(row.content_bytes) == row.content_hash]


def prefix_hashes(path: Path, sizes: Sequence[int]) -> dict[int, str]:
    """SHA-256, hex, of the first bytes of the content of a file, by how many: each of the ascending ``sizes``."""
    digest, done, hashes = hashlib.sha256(), 0, dict[int, str]()
    left = deque(sizes)
    for piece in read_content(path, storage_of(path)):
        while left and left[0] <= done + len(piece):
            head = digest.copy()
            head.update(piece[: left[0] - done])
            hashes[left.popleft()] = head.hexdigest()
        if not left:
            break
        digest.update(piece)
        done += len(piece)
    return hashes
