"""Ways for Spark to read nfdump text: its own reader, our kernel in mapInArrow, our kernel as a Python Data Source."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from telflow.ingest.kernel import parse_chunk
from telflow.ingest.nfdump import COLUMNS_48
from telflow.ingest.record import FLOW_SCHEMA, ParseContext
from telflow.ingest.run import MEGABYTE, parse_context
from telflow.ingest.scan import Chunk
from telflow.ingest.spark import parsed_flows, scan_files, slots_of
from telflow.privacy.tokens import load_tokenizer
from telflow.session import build_session
from telflow.settings import Settings
from tests.benchmarks.workload import flow_files

NEEDED = ("ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg", "ipkt", "ibyt", "opkt", "obyt", "ismc", "odmc", "ra")
SPARK_TYPES = {
    **dict.fromkeys(("ts", "te"), "timestamp"),
    "td": "double",
    "sp": "int",
    **dict.fromkeys(("ipkt", "ibyt", "opkt", "obyt"), "bigint"),
}


def time_readers(settings: Settings) -> dict[str, float]:
    """Seconds to read all flow files and throw the rows away, by reader; each reads one chunk first, to warm up."""
    spark = build_session(settings.spark, "telflow-bench-readers")
    context = parse_context(settings, load_tokenizer(settings.privacy))
    chunk_bytes = settings.ingest.chunk_megabytes * MEGABYTE
    scans = scan_files(spark, flow_files(settings), settings.ingest.sources, chunk_bytes)
    chunks = [chunk for scan in scans for chunk in scan.chunks]
    readers: dict[str, Callable[[Sequence[Chunk]], DataFrame]] = {
        "Spark's CSV reader": partial(by_spark, spark),
        "kernel in mapInArrow": partial(by_map_in_arrow, spark, context),
        "kernel as data source": partial(by_data_source, spark, context),
    }
    seconds = {}
    for name, reader in readers.items():
        discard(reader(chunks[:1]))
        began = time.perf_counter()
        discard(reader(chunks))
        seconds[name] = time.perf_counter() - began
    spark.stop()
    return seconds


def discard(rows: DataFrame) -> None:
    """Compute all rows and keep none."""
    rows.write.format("noop").mode("overwrite").save()


def by_spark(spark: SparkSession, chunks: Sequence[Chunk]) -> DataFrame:
    """The needed columns, typed, as Spark's reader gives them; no addresses checked, no tokens, no reasons."""
    schema = ", ".join(f"`{name}` {SPARK_TYPES.get(name, 'string')}" for name in COLUMNS_48)
    reader = spark.read.schema(schema).option("header", value=True).option("timestampFormat", "yyyy-MM-dd HH:mm:ss")
    return reader.csv(sorted({chunk.path for chunk in chunks})).select(*NEEDED)


def by_map_in_arrow(spark: SparkSession, context: ParseContext, chunks: Sequence[Chunk]) -> DataFrame:
    """What the job does."""
    return parsed_flows(spark, chunks, context)[0]


def by_data_source(spark: SparkSession, context: ParseContext, chunks: Sequence[Chunk]) -> DataFrame:
    """The same kernel as a Python Data Source that yields Arrow batches."""
    slots = slots_of(spark, chunks)
    parts = [
        ChunkPartition([chunk for chunk, at in zip(chunks, slots, strict=True) if at == slot])
        for slot in sorted(set(slots))
    ]

    class FlowSource(DataSource):
        @classmethod
        def name(cls) -> str:
            return "telflow_bench"

        def schema(self) -> StructType:
            return from_arrow_schema(FLOW_SCHEMA)

        def reader(self, schema: StructType) -> DataSourceReader:
            return FlowReader(parts, context, schema.fieldNames())

    spark.dataSource.register(FlowSource)
    return spark.read.format("telflow_bench").load()


@dataclass
class ChunkPartition(InputPartition):
    """The chunks of a task."""

    chunks: list[Chunk]


@dataclass
class FlowReader(DataSourceReader):
    """Rows of flows, by Arrow batches."""

    parts: list[ChunkPartition]
    context: ParseContext
    columns: list[str]

    def partitions(self) -> Sequence[InputPartition]:
        return self.parts

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        if isinstance(partition, ChunkPartition):
            for chunk in partition.chunks:
                for block in parse_chunk(chunk, self.context):
                    yield from block.flows.select(self.columns).to_batches()
