"""Labelled flows for tests, all columns filled from a few."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from telflow.tables import FLOWS

START = datetime(2024, 1, 1, 12, tzinfo=UTC)

DEFAULTS: dict[str, Any] = {
    "ingest_run": 1,
    "src_ip": "ip_1",
    "dst_ip": "192.0.2.1",
    "src_port": 50_000,
    "dst_port": 443,
    "protocol": 6,
    "src_bytes": 0,
    "src_packets": 0,
    "dst_bytes": 0,
    "dst_packets": 0,
    "is_bidirectional": True,
    "sampling_rate": 1,
    "source_format": "zeek_tsv",
    "is_src_own": True,
    "is_dst_own": False,
    "service": "https",
    "service_basis": "system_port",
    "port_class": "system",
    "category": "web",
    "registry_version": "test",
}


def flow(start: datetime = START, seconds: float = 0, **given: Any) -> dict[str, Any]:
    """A flow that began at ``start`` and lasted ``seconds``; ``given`` are further columns."""
    times = {"start_time": start, "end_time": start + timedelta(seconds=seconds), "event_date": start.date()}
    return {**DEFAULTS, **times, **given}


def flows_frame(spark: SparkSession, flows: list[dict[str, Any]]) -> DataFrame:
    """``flows`` with all columns of FLOWS; ids are their places."""
    rows = [
        tuple({**row, "flow_id": place}.get(name) for name in FLOWS.columns) for place, row in enumerate(flows, start=1)
    ]
    return spark.createDataFrame(rows, FLOWS.schema)
