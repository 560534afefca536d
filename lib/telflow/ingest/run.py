"""Flow files into the lake: each file once, each line accounted for, nothing half-written counted.

Order of the writes, and what a crash between them leaves:

1. ``flows`` and ``flows_quarantine`` under a new run number: rows of a run that no log knows;
2. ``day_log``: the days to build again, at worst once too often;
3. ``ingest_log``: from here on the files count as read.

A run begins by removing rows of runs that the log does not know, so a file that was half-ingested is read again whole.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from telflow.days import CHANGE, log_days, next_run
from telflow.errors import BrokenIdentityError
from telflow.ingest.files import find_files, read_content, storage_of
from telflow.ingest.record import ParseContext
from telflow.ingest.scan import Chunk, FileScan
from telflow.ingest.spark import COUNTS, Summary, parsed_flows, rejected_lines, scan_files
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.progress import progress
from telflow.settings import Settings
from telflow.tables import FLOWS, FLOWS_QUARANTINE, INGEST_LOG

MEGABYTE = 1_000_000
LATEST_AHEAD = timedelta(days=2)
READ = ("kept", "cut", "interim")
FAULTS = ("cut", "empty", "unknown_format", "unreadable")
RETRIED = ("unknown_format", "unreadable")  # settings or permissions may have been mended since

Labels = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class FileEntry:
    """A file of this run, as ``ingest_log`` tells of it."""

    scan: FileScan
    status: str
    message: str | None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    touched_days: tuple[date, ...] = ()


@dataclass(frozen=True)
class IngestReport:
    """What a run did.

    Attributes:
        run: its number.
        files: the files that were not known before.
        known_files: how many of the named files had been read by earlier runs.
    """

    run: int
    files: tuple[FileEntry, ...]
    known_files: int

    @property
    def faults(self) -> list[FileEntry]:
        """Files that are cut, empty, of no known format or unreadable: somebody has to look after them."""
        return [entry for entry in self.files if entry.status in FAULTS]

    def total(self, count: str) -> int:
        """Lines over all files that were kept, quarantined, trailer, comment or skipped."""
        return sum(entry.counts[count] for entry in self.files)

    def lines(self) -> list[str]:
        """The report for a reader: totals, then each file that somebody has to look after."""
        counts = ", ".join(f"{self.total(count):,} {count}" for count in COUNTS)
        told = f"flow files: {len(self.files):,} new, {self.known_files:,} known; lines: {counts}"
        return [told, *(f"  {entry.status}: {entry.message}" for entry in self.faults)]


def ingest(
    lake: Lake, settings: Settings, inputs: Sequence[str], with_labels: Labels, tokenizer: Tokenizer
) -> IngestReport:
    """Read the files that ``inputs`` name and that were not read before.

    Args:
        lake: where the tables are.
        settings: settings of the run.
        inputs: files, folders and globs.
        with_labels: adds the labels of the IANA registry to flows.
        tokenizer: makes the tokens of own-side addresses and of MAC addresses.

    Raises:
        InputError: an input names no file at all.
        BrokenIdentityError: lines read and lines accounted for differ; the next run removes this one's rows.
    """
    for table in (FLOWS, FLOWS_QUARANTINE, INGEST_LOG):
        lake.create(table)
    log = lake.read(INGEST_LOG).withColumn("modified_micros", F.unix_micros("modified_at")).collect()
    remove_unlogged(lake, max((row.ingest_run for row in log), default=0))
    run = next_run(lake)

    found = find_files(inputs)
    known = {(row.path, row.size_bytes, row.modified_micros) for row in log if row.status not in RETRIED}
    new = [path for path in found if on_disk(path) not in known]
    chunk_bytes = settings.ingest.chunk_megabytes * MEGABYTE
    with progress(lake.spark, "looking at files"):
        scans = scan_files(lake.spark, new, settings.ingest.sources, chunk_bytes) if new else []
    entries = without_repeats(first_look(scan, log) for scan in scans)

    remove_outgrown(lake, entries, log)
    chunks = [chunk for entry in entries if entry.status in READ for chunk in entry.scan.chunks]
    if chunks:
        context = parse_context(settings, tokenizer)
        summaries = write_flows(lake, chunks, context, run, with_labels)
        entries = [counted(entry, summaries) for entry in entries]
        write_rejects(lake, with_rejects(chunks, summaries), context, run)
    log_days(lake, CHANGE, (day for entry in entries for day in entry.touched_days), run)
    told = {(row.path, row.content_hash, row.status) for row in log}
    news = [entry for entry in entries if (entry.scan.path, entry.scan.content_hash, entry.status) not in told]
    if news:
        lake.append(INGEST_LOG, log_rows(lake.spark, news, run))
    return IngestReport(run, tuple(entries), known_files=len(found) - len(new))


def remove_unlogged(lake: Lake, last_logged: int) -> None:
    """Remove rows of runs that died before the log told of them."""
    for table in (FLOWS, FLOWS_QUARANTINE):
        newest = lake.read(table).agg(F.max("ingest_run").alias("run")).collect()[0].run
        if newest is not None and newest > last_logged:
            if table is FLOWS:  # a step may have built their days meanwhile
                log_days(lake, CHANGE, days_after(lake, last_logged), next_run(lake))
            lake.delete(table, f"ingest_run > {last_logged}")


def days_after(lake: Lake, last_logged: int) -> list[date]:
    """UTC days that flows of later runs lasted into."""
    days = F.explode(F.sequence(F.to_date("start_time"), F.to_date("end_time"))).alias("day")
    unlogged = lake.read(FLOWS).where(F.col("ingest_run") > last_logged)
    return [row.day for row in unlogged.select(days).distinct().collect()]


def on_disk(path: Path) -> tuple[str, int, int]:
    """What a file is known by without opening it: path, size in bytes, modification time in microseconds."""
    about = path.stat()
    since_epoch = datetime.fromtimestamp(about.st_mtime, UTC) - datetime.fromtimestamp(0, UTC)
    return str(path), about.st_size, since_epoch // timedelta(microseconds=1)


def first_look(scan: FileScan, log: Sequence[Row]) -> FileEntry:
    """The file's entry before its lines are parsed: a duplicate where the log knows the content."""
    twin = next((row for row in log if row.status in READ and row.content_hash == scan.content_hash), None)
    if twin is not None:
        return duplicate(scan, twin.path)
    return FileEntry(scan, scan.status, scan.message)


def without_repeats(entries: Iterable[FileEntry]) -> list[FileEntry]:
    """Of files of one content in this run, the first is read, the others are duplicates of it."""
    first: dict[str, str] = {}
    told = []
    for entry in entries:
        twin = first.setdefault(entry.scan.content_hash, entry.scan.path) if entry.status in READ else entry.scan.path
        told.append(entry if twin == entry.scan.path else duplicate(entry.scan, twin))
    return told


def duplicate(scan: FileScan, twin: str) -> FileEntry:
    return FileEntry(replace(scan, chunks=()), "duplicate", f"same content as {twin}, which was read")


def remove_outgrown(lake: Lake, entries: Iterable[FileEntry], log: Sequence[Row]) -> None:
    """Remove what was read of files that have grown since: cut, or still being written, when they were first read.

    A file has grown where the one of the same path began with the same bytes. A file that was replaced by another of
    the same name has not: both count.
    """
    for entry in entries:
        for row in log:
            if row.path == entry.scan.path and row.status in READ and entry.status in READ and has_grown(row, entry):
                place = f"BETWEEN {row.file_id} AND {row.file_id + row.lines_read}"
                lake.delete(FLOWS, f"flow_id {place}")
                lake.delete(FLOWS_QUARANTINE, f"file_id = {row.file_id}")
                lake.update(INGEST_LOG, f"file_id = {row.file_id}", {"status": "'outgrown'"})


def has_grown(row: Row, entry: FileEntry) -> bool:
    """Whether the file begins with the content that the log tells of."""
    left = row.content_bytes
    if row.source_format == "nfcapd" or entry.scan.content_bytes <= left:
        return False
    path = Path(entry.scan.path)
    digest = hashlib.sha256()
    for piece in read_content(path, storage_of(path)):
        digest.update(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return digest.hexdigest() == str(row.content_hash)


def parse_context(settings: Settings, tokenizer: Tokenizer) -> ParseContext:
    """What the settings say of records."""
    given = settings.ingest
    latest = datetime.fromisoformat(given.latest) if given.latest is not None else datetime.now(UTC) + LATEST_AHEAD
    return ParseContext(
        tokenizer=tokenizer,
        own_prefixes=settings.network.own_prefixes,
        every_source_is_own=settings.customers.attribution == "every_source",
        max_duration_seconds=given.max_duration_seconds,
        earliest=datetime.fromisoformat(given.earliest).replace(tzinfo=UTC),
        latest=latest.replace(tzinfo=UTC),
        max_record_bytes=given.max_record_bytes,
    )


def write_flows(
    lake: Lake, chunks: Sequence[Chunk], context: ParseContext, run: int, with_labels: Labels
) -> list[Summary]:
    """Append the records of ``chunks`` in one commit; what became of the lines of each chunk."""
    records, summaries = parsed_flows(lake.spark, chunks, context)
    with progress(lake.spark, "reading flows"):
        lake.append(FLOWS, records.withColumn("ingest_run", F.lit(run)).transform(with_labels))
    return summaries()


def counted(entry: FileEntry, summaries: Iterable[Summary]) -> FileEntry:
    """The entry with the counts of its lines.

    Raises:
        BrokenIdentityError: they are not as many as the scan found.
    """
    if entry.status not in READ:
        return entry
    own = [summary for summary in summaries if summary["file_id"] == entry.scan.file_id]
    counts = {name: sum(summary[name] for summary in own) for name in COUNTS}
    if sum(counts.values()) != entry.scan.lines_read:
        raise BrokenIdentityError(
            f"{entry.scan.path}: {entry.scan.lines_read} lines were read and {sum(counts.values())} accounted for: "
            "did the file change while it was read? Run the job again"
        )
    days = {day for summary in own for day in summary["touched_days"]}
    done = replace(entry, counts=counts, touched_days=tuple(sorted(days)))
    if any(summary["is_cut"] for summary in own):
        message = f"{entry.scan.path} ends within line {entry.scan.lines_read}: fetch it again, the rest is read then"
        return replace(done, status="cut", message=entry.message or message)
    return done


def with_rejects(chunks: Iterable[Chunk], summaries: Iterable[Summary]) -> list[Chunk]:
    """Chunks that held a rejected line."""
    dirty = {(summary["file_id"], summary["offset"]) for summary in summaries if summary["quarantined"]}
    return [chunk for chunk in chunks if (chunk.file_id, chunk.offset) in dirty]


def write_rejects(lake: Lake, chunks: Sequence[Chunk], context: ParseContext, run: int) -> None:
    """Append the rejected lines of ``chunks``: they alone are parsed a second time, so that clean ones never are."""
    if chunks:
        rejects = rejected_lines(lake.spark, chunks, context)
        kept = rejects.withColumns({"ingest_run": F.lit(run), "rejected_at": F.current_timestamp()})
        lake.append(FLOWS_QUARANTINE, kept)


def log_rows(spark: SparkSession, entries: Iterable[FileEntry], run: int) -> DataFrame:
    """Rows of INGEST_LOG."""
    rows = [
        (
            run,
            entry.scan.file_id,
            entry.scan.path,
            entry.scan.size_bytes,
            entry.scan.modified_at,
            entry.scan.content_hash,
            entry.scan.content_bytes,
            entry.scan.compression,
            entry.scan.source_format,
            entry.status,
            entry.message,
            sum(entry.counts.values()),
            *(entry.counts[name] for name in COUNTS),
            list(entry.touched_days),
            datetime.now(UTC),
        )
        for entry in entries
    ]
    return spark.createDataFrame(rows, INGEST_LOG.schema)
