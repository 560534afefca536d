"""Writes a simulation: flow files by Spark, a unit of work for each day and shard; the rest by the driver."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.sql import SparkSession

from telflow.errors import OutputFolderError, SettingsError
from telflow.ingest.files import SYNTHETIC_MARKER
from telflow.settings import SimulateSettings
from telflow.simulate import provider, truth
from telflow.simulate.customers import Customers, make_customers
from telflow.simulate.flows import customer_flows
from telflow.simulate.formats import volume, write_goflow2, write_nfdump, write_zeek
from telflow.simulate.leases import CUSTOMERS_PER_BLOCK, Calendar, delivered_leases, true_leases
from telflow.simulate.noise import noise_flows
from telflow.simulate.rhythm import utc_days

MARKER = SYNTHETIC_MARKER
WHAT = "synthetic telemetry: no real person, no real network"
# format: its writer, and the name of a file
WRITERS: dict[str, tuple[Callable[[pl.DataFrame, datetime, Path], None], str]] = {
    "nfdump": (write_nfdump, "nfcapd{part}.{midnight:%Y%m%d%H%M}.csv"),
    "zeek": (write_zeek, "conn{part}.{midnight:%Y-%m-%d}.log"),
    "goflow2": (write_goflow2, "goflow2{part}.{midnight:%Y-%m-%d}.json"),
}
WRITTEN_SCHEMA = "path string, flows bigint, customer_flows bigint, bytes bigint, size_bytes bigint"


@dataclass(frozen=True)
class Written:
    """What a simulation wrote.

    Attributes:
        was_there: True when the same simulation stood in the folder already and nothing was written.
        files: flow files.
        flows: flows in the files of one format.
        customer_flows: those of them that belong to customers; the rest is noise.
        bytes: volume of the flows, both ways.
        size_bytes: size of the flow files on disk.
    """

    was_there: bool
    files: int
    flows: int
    customer_flows: int
    bytes: int
    size_bytes: int


def simulate(spark: SparkSession, settings: SimulateSettings, zone: str, output: Path) -> Written:
    """Write the synthetic months that ``settings`` describe below ``output``.

    Flow files lie in ``output`` (nfdump) and its folders ``zeek`` and ``goflow2``, what the provider knows in
    ``provider``, the planted truth in ``truth``. Running it again with the same settings changes nothing. With a
    cluster, ``output`` must be a folder that all workers see.

    Raises:
        OutputFolderError: ``output`` holds other files, or another simulation.
        SettingsError: more files a day than there are blocks of customers.
    """
    if settings.files_per_day * CUSTOMERS_PER_BLOCK > max(settings.customers, CUSTOMERS_PER_BLOCK):
        raise SettingsError(
            f"setting simulate.files_per_day = {settings.files_per_day}: {settings.customers} customers fill at most "
            f"{max(settings.customers // CUSTOMERS_PER_BLOCK, 1)} files a day"
        )
    marker = json.loads(json.dumps({"what": WHAT, "zone": zone, **settings.model_dump()}))
    found = read_marker(output)
    check_folder(output, found, marker)
    if found is not None and "written" in found:
        return Written(**{**found["written"], "was_there": True})
    output.mkdir(parents=True, exist_ok=True)
    write_marker(output, marker)
    write_tables(settings, zone, output)
    written = write_flows(spark, settings, zone, output.absolute())  # Spark may have begun in another folder
    write_marker(output, {**marker, "written": vars(written)})
    return written


def check_folder(output: Path, found: dict[str, Any] | None, marker: dict[str, Any]) -> None:
    """Refuse a folder that is not ours to write into."""
    if found is None:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise OutputFolderError(
                f"{output} holds files that no simulation wrote: name an empty or new folder with --output"
            )
        return
    differing = sorted(key for key in marker if found.get(key) != marker[key])
    if differing:
        told = ", ".join(f"{key} {found.get(key)} there, {marker[key]} asked for" for key in differing)
        raise OutputFolderError(
            f"{output} holds another simulation ({told}): name another folder with --output, or remove this one"
        )


def read_marker(output: Path) -> dict[str, Any] | None:
    """Content of the marker of a simulation in ``output``, None where there is none."""
    path = output / MARKER
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return dict(content)


def write_marker(output: Path, content: dict[str, Any]) -> None:
    """Write the marker, whole or not at all."""
    write_whole(output / MARKER, lambda path: path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a hidden file, then give it its name: nobody sees half of it."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.part")
    write(hidden)
    hidden.replace(path)


def calendar_of(settings: SimulateSettings, zone: str) -> Calendar:
    """Days of the simulation."""
    return Calendar(date.fromisoformat(settings.start), settings.days, zone)


def truth_tables(settings: SimulateSettings, zone: str) -> dict[str, pl.DataFrame]:
    """The planted truth by table name, keyed by ``subscriber_id``."""
    calendar, customers = calendar_of(settings, zone), make_customers(settings, 0, settings.customers)
    delivered = delivered_leases(true_leases(customers, calendar), settings.seed)
    return {
        "truth_customers": truth.truth_customers(customers, calendar),
        "truth_customer_weeks": truth.truth_customer_weeks(customers, calendar),
        "truth_customer_categories": truth.truth_customer_categories(customers, calendar),
        "truth_services": truth.truth_services(),
        "truth_leases": truth.truth_leases(delivered, calendar),
    }


def provider_tables(settings: SimulateSettings, zone: str) -> dict[str, pl.DataFrame]:
    """What the provider delivers, by file name."""
    calendar, customers = calendar_of(settings, zone), make_customers(settings, 0, settings.customers)
    delivered = delivered_leases(true_leases(customers, calendar), settings.seed)
    return {
        "subscribers": provider.subscribers(customers, calendar),
        "leases": provider.leases(delivered, calendar),
        "plans": provider.plans(),
        "churn_events": provider.churn_events(customers, calendar),
        "complaints": provider.complaints(customers, calendar),
    }


def write_tables(settings: SimulateSettings, zone: str, output: Path) -> None:
    """Write ``provider/*.csv`` and ``truth/*.parquet``."""
    for folder in ("provider", "truth"):
        (output / folder).mkdir(exist_ok=True)
    for name, rows in provider_tables(settings, zone).items():
        write_whole(output / "provider" / f"{name}.csv", rows.write_csv)
    for name, rows in truth_tables(settings, zone).items():
        write_whole(output / "truth" / f"{name}.parquet", rows.write_parquet)


def write_flows(spark: SparkSession, settings: SimulateSettings, zone: str, output: Path) -> Written:
    """Write the flow files, one task each."""
    units = len(utc_days(date.fromisoformat(settings.start), settings.days, zone)) * settings.files_per_day

    def write_units(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [row for unit in batch.column("id").to_pylist() for row in write_unit(settings, zone, output, unit)]
            yield pa.RecordBatch.from_pylist(rows, schema=written_schema())

    files = spark.range(0, units, 1, numPartitions=units).mapInArrow(write_units, WRITTEN_SCHEMA).collect()
    one_format = [row for row in files if Path(row["path"]).parent == flow_folder(output, settings.formats[0])]
    return Written(
        was_there=False,
        files=len(files),
        flows=sum(row["flows"] for row in one_format),
        customer_flows=sum(row["customer_flows"] for row in one_format),
        bytes=sum(row["bytes"] for row in one_format),
        size_bytes=sum(row["size_bytes"] for row in files),
    )


def written_schema() -> pa.Schema:
    """Arrow's form of WRITTEN_SCHEMA."""
    numbers = ("flows", "customer_flows", "bytes", "size_bytes")
    return pa.schema([("path", pa.string()), *[(name, pa.int64()) for name in numbers]])


def write_unit(settings: SimulateSettings, zone: str, output: Path, unit: int) -> list[dict[str, Any]]:
    """Write the flow files of one day and shard, one for each format."""
    utc_day, shard = divmod(unit, settings.files_per_day)
    calendar = calendar_of(settings, zone)
    flows = unit_flows(settings, calendar, utc_day, shard)
    midnight = calendar.epoch + timedelta(days=utc_day)
    part = f"-r{shard + 1:03d}" if settings.files_per_day > 1 else ""
    written = []
    for name in settings.formats:
        writer, file_name = WRITERS[name]
        path = flow_folder(output, name) / file_name.format(part=part, midnight=midnight)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, partial(writer, flows, midnight))
        written.append(
            {
                "path": str(path),
                "flows": len(flows),
                "customer_flows": int((flows["origin"] == "customer").sum()),
                "bytes": volume(flows),
                "size_bytes": path.stat().st_size,
            }
        )
    return written


def flow_folder(output: Path, flow_format: str) -> Path:
    """Where the files of a format lie."""
    return output if flow_format == "nfdump" else output / flow_format


def unit_flows(settings: SimulateSettings, calendar: Calendar, utc_day: int, shard: int) -> pl.DataFrame:
    """Flows of one day and shard as an exporter sends them, by their end."""
    customers = shard_customers(settings, shard)
    own = customer_flows(customers, calendar, utc_day, shard).frame()
    noise = noise_flows(customers, calendar, utc_day, shard)
    return pl.concat([own, noise]).sort("end_ms", maintain_order=True)


def shard_customers(settings: SimulateSettings, shard: int) -> Customers:
    """Customers of a shard: whole blocks of them."""
    blocks = -(-settings.customers // CUSTOMERS_PER_BLOCK)
    first, last = (
        min(blocks * edge // settings.files_per_day * CUSTOMERS_PER_BLOCK, settings.customers)
        for edge in (shard, shard + 1)
    )
    return make_customers(settings, first, last)
