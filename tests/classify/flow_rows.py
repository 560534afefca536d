"""Rows of flows for tests, and what is needed of the real samples."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import DataFrame, SparkSession

from telflow.tables import FLOWS

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "igmp": 2, "ipv6-icmp": 58, "unknown_transport": 255}
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
DEFAULTS: dict[str, Any] = {
    "ingest_run": 1,
    "src_ip": "ip_a",
    "dst_ip": "192.0.2.1",
    "protocol": 6,
    "src_bytes": 100,
    "src_packets": 1,
    "dst_bytes": 0,
    "dst_packets": 0,
    "is_bidirectional": True,
    "sampling_rate": 1,
    "source_format": "nfdump",
    "is_src_own": True,
    "is_dst_own": False,
    "service": "unassigned",
    "service_basis": "unassigned",
    "port_class": "user",
    "category": "unassigned",
    "registry_version": "none",
}


def flows_frame(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """Rows of flows: what ``rows`` give, and defaults for the rest."""
    names = FLOWS.columns
    filled = []
    for number, row in enumerate(rows):
        start = row.get("start_time", NOON)
        given = DEFAULTS | {"flow_id": number, "start_time": start, "end_time": start, "event_date": start.date()} | row
        filled.append(tuple(given.get(name) for name in names))
    return spark.createDataFrame(filled, FLOWS.schema)


class Observed(NamedTuple):
    """What the classification needs of a real record."""

    protocol: int
    src_port: int | None
    dst_port: int | None
    initiator: str | None
    observed_application: str | None
    src_bytes: int
    dst_bytes: int = 0


OBSERVED_DDL = (
    "protocol int, src_port int, dst_port int, initiator string, observed_application string, "
    "src_bytes bigint, dst_bytes bigint"
)


def zeek_day(samples: Path) -> Iterator[Observed]:
    """The finished connections of the Zeek day; Zeek's originator is always the source."""
    for path in sorted((samples / "flows/zeek/2024-04-19").glob("conn.*.log.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            names: list[str] = []
            for line in lines:
                if line.startswith("#fields"):
                    names = line.rstrip("\n").split("\t")[1:]
                if line.startswith("#"):
                    continue
                row = dict(zip(names, line.rstrip("\n").split("\t"), strict=True))
                sent, received = (0 if row[key] == "-" else int(row[key]) for key in ("orig_ip_bytes", "resp_ip_bytes"))
                service = None if row["service"] == "-" else row["service"]
                ports = int(row["id.orig_p"]), int(row["id.resp_p"])
                yield Observed(PROTOCOLS[row["proto"]], *ports, "src", service, sent, received)


def nfdump_records(samples: Path) -> Iterator[Observed]:
    """The records of the nfdump sample, trailer left out."""
    with (samples / "flows/nfdump/test1-malicious.nfdump.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["te"] and row["te"][:2] == "20":
                ports = int(float(row["sp"])), int(float(row["dp"]))
                volumes = int(row["ibyt"]), int(row["obyt"])
                yield Observed(PROTOCOLS[row["pr"].lower()], *ports, None, None, *volumes)


def argus_records(samples: Path) -> Iterator[Observed]:
    """The records of the Argus samples that are IP; the arrow tells who opened the connection."""
    for path in sorted((samples / "flows/argus").glob("*.binetflow")):
        with path.open(encoding="utf-8") as lines:
            tabbed = "\t" in lines.readline()
            lines.seek(0)
            for row in csv.DictReader(lines, delimiter="\t" if tabbed else ","):
                if row["Proto"] in PROTOCOLS:
                    src_port, dst_port = (int(row[key], 0) if row[key] else None for key in ("Sport", "Dport"))
                    initiator = {"->": "src", "<-": "dst"}.get(row["Dir"].strip().replace("?", ""))
                    yield Observed(PROTOCOLS[row["Proto"]], src_port, dst_port, initiator, None, int(row["TotBytes"]))


def suricata_records(samples: Path) -> Iterator[Observed]:
    """The flow events of the Suricata sample."""
    text = (samples / "flows/suricata/test6-malicious.suricata.json").read_text(encoding="utf-8")
    for event in map(json.loads, text.splitlines()):
        if event["event_type"] == "flow":
            ports = event.get("src_port"), event.get("dest_port")
            volumes = event["flow"]["bytes_toserver"], event["flow"]["bytes_toclient"]
            yield Observed(PROTOCOLS[event["proto"].lower()], *ports, "src", event.get("app_proto"), *volumes)
