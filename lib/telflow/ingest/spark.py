"""Spark's part of reading: files are scanned, and their chunks parsed, by tasks on all cores."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from telflow.ingest.files import on_disk
from telflow.ingest.kernel import ParsedBlock, parse_chunk
from telflow.ingest.record import FLOW_SCHEMA, ParseContext
from telflow.ingest.scan import Chunk, FileScan, scan_file
from telflow.settings import SourceSettings

SLOT_BYTES: Final = 128_000_000  # a task reads about this much, so that the files it writes are not small

COUNTS: Final = ("kept", "quarantined", "trailer", "comment", "skipped")
SUMMARY: Final = pa.struct(
    [
        ("file_id", pa.int64()),
        ("offset", pa.int64()),
        *((name, pa.int64()) for name in COUNTS),
        ("is_cut", pa.bool_()),
        ("touched_days", pa.list_(pa.date32())),
    ]
)
PARSED: Final = FLOW_SCHEMA.append(pa.field("summary", SUMMARY))
REJECT_DDL: Final = "file_id bigint, path string, line bigint, reason string, raw string"

Summary = dict[str, Any]


def scan_files(
    spark: SparkSession, paths: Sequence[Path], sources: Sequence[SourceSettings], chunk_bytes: int
) -> list[FileScan]:
    """What one pass over each file finds, in the order of ``paths``."""

    def scan(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for path in tasks_of(batches):
            yield pickled([scan_file(path, source_of(path, sources), chunk_bytes)])

    sizes = [about[1] if (about := on_disk(path)) else 0 for path in paths]  # where it is gone, the scan tells of it
    slots = balanced(sizes, spark.sparkContext.defaultParallelism)
    rows = on_slots(spark, list(paths), slots).mapInArrow(scan, "task binary").collect()
    scans: list[FileScan] = [pickle.loads(row.task) for row in rows]
    return sorted(scans, key=lambda found: found.path)


def source_of(path: Path, sources: Sequence[SourceSettings]) -> SourceSettings:
    """What the settings know of a file of this name."""
    return next((source for source in sources if fnmatch(path.name, source.match)), SourceSettings(match="*"))


def parsed_flows(
    spark: SparkSession, chunks: Sequence[Chunk], context: ParseContext
) -> tuple[DataFrame, Callable[[], list[Summary]]]:
    """Records of ``chunks``, and what tells of each chunk once these were written.

    Returns:
        Rows with the record's columns of FLOWS, and a function that gives, after an action over them, a summary for
        each chunk: ``file_id``, ``offset``, the counts of its lines, ``is_cut`` and ``touched_days``.
    """

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for chunk in tasks_of(batches):
            total, days, is_cut = dict.fromkeys(COUNTS, 0), set[date](), False
            for block in parse_chunk(chunk, context):
                yield from with_null_summary(block.flows).to_batches()
                total = {name: total[name] + getattr(block.counts, name) for name in COUNTS}
                days |= touched_days(block)
                is_cut = block.is_cut
            summary = {"file_id": chunk.file_id, "offset": chunk.offset, "is_cut": is_cut}
            yield summary_row({**summary, **total, "touched_days": sorted(days)})

    tasks = on_slots(spark, list(chunks), slots_of(spark, chunks))
    rows = tasks.mapInArrow(parse, from_arrow_schema(PARSED))
    observation = Observation()
    # a task that Spark runs twice tells of its chunks twice, in the same words
    observed = rows.observe(observation, F.collect_list("summary").alias("summaries"))
    records = observed.where(F.col("summary").isNull()).drop("summary")

    def summaries() -> list[Summary]:
        told = [row.asDict() for row in observation.get["summaries"]]
        return list({(summary["file_id"], summary["offset"]): summary for summary in told}.values())

    return records, summaries


def rejected_lines(spark: SparkSession, chunks: Sequence[Chunk], context: ParseContext) -> DataFrame:
    """Rejected lines of ``chunks``: ``file_id``, ``path``, ``line``, ``reason``, ``raw``."""

    def parse(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for chunk in tasks_of(batches):
            for block in parse_chunk(chunk, context):
                rejects = block.rejects
                place = [pa.repeat(chunk.file_id, len(rejects)), pa.repeat(chunk.path, len(rejects))]
                names = ["file_id", "path", *rejects.column_names]
                yield from pa.Table.from_arrays([*place, *rejects.columns], names=names).to_batches()

    return on_slots(spark, list(chunks), slots_of(spark, chunks)).mapInArrow(parse, REJECT_DDL)


def touched_days(block: ParsedBlock) -> set[date]:
    """UTC days that the block's flows lasted into."""
    spans = (
        pa.table({name: pc.cast(block.flows[name], pa.date32(), safe=False) for name in ("start_time", "end_time")})
        .group_by(["start_time", "end_time"])
        .aggregate([])
    )
    ordinals = zip(*(spans[name].to_pylist() for name in ("start_time", "end_time")), strict=True)
    return {date.fromordinal(day) for first, last in ordinals for day in range(first.toordinal(), last.toordinal() + 1)}


def with_null_summary(flows: pa.Table) -> pa.Table:
    return flows.append_column(PARSED.field("summary"), pa.nulls(len(flows), SUMMARY))


def summary_row(summary: Summary) -> pa.RecordBatch:
    """One row that holds nothing but a summary."""
    nulls = [pa.nulls(1, column.type) for column in FLOW_SCHEMA]
    return pa.RecordBatch.from_arrays([*nulls, pa.array([summary], SUMMARY)], schema=PARSED)


def slots_of(spark: SparkSession, chunks: Sequence[Chunk]) -> list[int]:
    """Slot of each chunk: neighbours share one, so that a task writes few days; all cores have something to do."""
    sizes = [chunk.length if chunk.length is not None else Path(chunk.path).stat().st_size for chunk in chunks]
    return balanced(sizes, max(spark.sparkContext.defaultParallelism, -(-sum(sizes) // SLOT_BYTES)))


def balanced(sizes: Sequence[int], slots: int) -> list[int]:
    """Slot, from 0, of each item: consecutive items fill a slot until it holds its part of the whole."""
    share = max(1, -(-sum(sizes) // slots))
    taken, before = [], 0
    for size in sizes:
        taken.append(min(before // share, slots - 1))
        before += size
    return taken


def on_slots(spark: SparkSession, tasks: Sequence[Any], slots: Sequence[int]) -> DataFrame:
    """One row a task, pickled, in the partition of its slot."""
    rows = [(pickle.dumps(task), slot) for task, slot in zip(tasks, slots, strict=True)]
    frame = spark.createDataFrame(rows, "task binary, slot int")
    return frame.repartitionById(1 + max(slots, default=0), F.col("slot")).select("task")


def tasks_of(batches: Iterator[pa.RecordBatch]) -> Iterator[Any]:
    for batch in batches:
        for task in batch["task"].to_pylist():
            yield pickle.loads(task)


def pickled(results: Sequence[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"task": pa.array([pickle.dumps(result) for result in results], pa.binary())})
