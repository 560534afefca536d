"""Flow files into the lake: each file once, each line accounted for, nothing half-written counted.

Order of the writes, and what a crash between them leaves:

1. ``flows`` and ``flows_quarantine`` under a new run number: rows of a run that no log knows;
2. ``day_log``: the days to build again, at worst once too often;
3. ``ingest_log``: from here on the files count as read.

A run begins by removing rows of runs that the log does not know, so a file that was half-ingested is read again whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from telflow.days import CHANGE, days_lasted, log_days, next_run
from telflow.errors import BrokenIdentityError, MixedRecordsError
from telflow.facts import LONGEST_FLOW, RECORDS, lake_facts, records_held, state_fact
from telflow.ingest.files import find_files, is_synthetic
from telflow.ingest.formats import FORMATS
from telflow.ingest.identity import FAULTS, READ, FileEntry, KnownFiles
from telflow.ingest.record import ParseContext
from telflow.ingest.scan import Chunk, FileScan
from telflow.ingest.spark import COUNTS, Summary, parsed_flows, rejected_lines, scan_files
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.progress import progress
from telflow.settings import Settings
from telflow.tables import FLOWS, FLOWS_QUARANTINE, INGEST_LOG

MEGABYTE = 1_000_000
WITHOUT_FLOWS = (
    "none of its records is a flow; where some should be, look at what they say they are (Suricata: event_type has to "
    "be flow; Zeek: _path has to be conn)"
)
LATEST_AHEAD = timedelta(days=2)

Labels = Callable[[DataFrame], DataFrame]


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
    def without_flows(self) -> list[FileEntry]:
        """Files that are in order but hold records of other kinds alone."""
        return [entry for entry in self.files if entry.status == "kept" and entry.message is not None]

    @property
    def faults(self) -> list[FileEntry]:
        """Files that somebody has to look after: cut, all rejected, empty, of no known format or unreadable."""
        return [entry for entry in self.files if entry.status in FAULTS]

    def total(self, count: str) -> int:
        """Lines over all files that were kept, quarantined, trailer, comment or skipped."""
        return sum(entry.counts[count] for entry in self.files)

    def lines(self) -> list[str]:
        """The report for a reader: totals, each file that somebody has to look after, then those without flows."""
        counts = ", ".join(f"{self.total(count):,} {count}" for count in COUNTS)
        told = f"flow files: {len(self.files):,} new, {self.known_files:,} known; lines: {counts}"
        faults = [f"  {entry.status}: {entry.message}" for entry in self.faults]
        return [told, *faults, *(f"  no flows: {entry.message}" for entry in self.without_flows)]


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
        MixedRecordsError: synthetic records and one's own would come together.
        BrokenIdentityError: lines read and lines accounted for differ; the next run removes this one's rows.
    """
    for table in (FLOWS, FLOWS_QUARANTINE, INGEST_LOG):
        lake.create(table)
    known = KnownFiles.of(lake)
    remove_unlogged(lake, known.last_run)
    run = next_run(lake)

    found = find_files(inputs)
    new = known.unknown(found)
    chunk_bytes = settings.ingest.chunk_megabytes * MEGABYTE
    with progress(lake.spark, "looking at files"):
        scans = scan_files(lake.spark, new, settings.ingest.sources, chunk_bytes) if new else []
    entries = known.entries(scans)
    chunks = [chunk for entry in entries if entry.status in READ for chunk in entry.scan.chunks]
    if chunks:
        hold_to_facts(lake, settings, {Path(chunk.path) for chunk in chunks})

    outgrown = known.outgrown_by(entries)
    remove_readings(lake, outgrown)
    if chunks:
        context = parse_context(settings, tokenizer)
        summaries = write_flows(lake, chunks, context, run, with_labels)
        entries = [counted(entry, summaries) for entry in entries]
        write_rejects(lake, with_rejects(chunks, summaries), context, run)
        entries = with_reasons(lake, entries)
    touched = [entry.touched_days for entry in entries] + [reading.touched_days for reading in outgrown]
    log_days(lake, CHANGE, (day for days in touched for day in days), run)
    untold = known.untold(entries)
    if untold:
        lake.append(INGEST_LOG, log_rows(lake.spark, untold, run))
    return IngestReport(run, tuple(entries), known_files=len(found) - len(new))


def hold_to_facts(lake: Lake, settings: Settings, paths: Iterable[Path]) -> None:
    """State what holds of the lake once the files at ``paths`` are in it.

    Raises:
        MixedRecordsError: synthetic records and one's own would come together.
    """
    facts = lake_facts(lake)
    longest = settings.ingest.max_duration_seconds
    if longest > int(facts.get(LONGEST_FLOW, 0)):
        state_fact(lake, LONGEST_FLOW, str(longest))
    there = records_held(lake, facts)
    kinds = {"synthetic" if is_synthetic(folder) else "own" for folder in {path.parent for path in paths}}
    if len(kinds | ({there} - {None})) > 1:
        held = f"holds {there} records, and the input has others" if there else "would get both from this input"
        raise MixedRecordsError(
            f"synthetic records and one's own do not go into one lake: {lake.root} {held}: give each a lake of its "
            "own, --set lake.root=..."
        )
    if RECORDS not in facts:
        state_fact(lake, RECORDS, kinds.pop())


def remove_unlogged(lake: Lake, last_logged: int) -> None:
    """Remove rows of runs that died before the log told of them."""
    for table in (FLOWS, FLOWS_QUARANTINE):
        newest = lake.read(table).agg(F.max("ingest_run").alias("run")).collect()[0].run
        if newest is not None and newest > last_logged:
            if table is FLOWS:  # a step may have built their days meanwhile
                unlogged = lake.read(FLOWS).where(F.col("ingest_run") > last_logged)
                log_days(lake, CHANGE, days_lasted(unlogged), next_run(lake))
            lake.delete(table, f"ingest_run > {last_logged}")


def remove_readings(lake: Lake, readings: Iterable[Row]) -> None:
    """Remove the rows of earlier readings, which the log then calls outgrown."""
    for row in readings:
        lake.delete(FLOWS, f"flow_id BETWEEN {row.file_id} AND {row.file_id + row.lines_read}")
        lake.delete(FLOWS_QUARANTINE, f"file_id = {row.file_id}")
        lake.update(INGEST_LOG, f"file_id = {row.file_id}", {"status": "'outgrown'"})


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
        message = (
            f"{entry.scan.path} ends within line {entry.scan.lines_read}: fetch it again, the rest is read then; "
            "where nothing is missing, end its last line"
        )
        return replace(done, status="cut", message=entry.message or message)
    if counts["quarantined"] and not counts["kept"] and entry.status != "cut":
        return replace(done, status="rejected", message=f"{entry.scan.path}: none of its lines was kept")
    if entry.status == "interim" and counts["kept"]:  # only what it begins with is interim
        return replace(done, status="kept", message=None)
    if entry.status == "kept" and is_without_flows(entry.scan, counts):
        return replace(done, message=f"{entry.scan.path}: {WITHOUT_FLOWS}")
    return done


def is_without_flows(scan: FileScan, counts: Mapping[str, int]) -> bool:
    """Whether each record of a file of JSON is of another kind than a flow.

    That is no fault: in a quiet hour a sensor may log alerts alone. It is told all the same, for one that is set to
    log its flows as another kind (Suricata's netflow, Zeek's renamed logs) would go unnoticed. NODATA, which VPC flow
    logs write of a quiet interval, says itself that nothing is missing.
    """
    is_json = scan.source_format in FORMATS and FORMATS[scan.source_format].is_json
    return is_json and counts["skipped"] > 0 and not counts["kept"]


def with_reasons(lake: Lake, entries: Sequence[FileEntry]) -> list[FileEntry]:
    """The entries, those of which no line was kept with the reasons why."""
    rejected = [entry.scan.file_id for entry in entries if entry.status == "rejected"]
    if not rejected:
        return list(entries)
    by_reason = lake.read(FLOWS_QUARANTINE).where(F.col("file_id").isin(rejected)).groupBy("file_id", "reason").count()
    told: dict[int, list[str]] = {}
    for row in by_reason.orderBy(F.desc("count")).collect():
        told.setdefault(row.file_id, []).append(f"{row['count']:,} {row.reason}")
    return [
        replace(entry, message=f"{entry.message} ({', '.join(told[entry.scan.file_id])}): see flows_quarantine")
        if entry.scan.file_id in told and entry.status == "rejected"
        else entry
        for entry in entries
    ]


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
