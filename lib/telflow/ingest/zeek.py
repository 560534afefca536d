"""Zeek's conn.log, as TAB-separated text with a ``#fields`` line and as JSON lines.

Columns are those of Zeek's Conn::Info (base/protocols/conn/main.zeek). The originator of a connection is the source.
A stream may hold records of several logs: JSON names the log of each record by ``_path``, TSV by the ``#path`` above
it. Those of conn are flows; those of any other log are skipped, open_conn's too, for conn.log tells of them again.
Volume is ``orig_ip_bytes`` and ``resp_ip_bytes``, the bytes on the wire by the lengths in the IP headers;
``orig_bytes`` and ``resp_bytes`` come from TCP sequence numbers and can be far too large. Where the IP bytes are unset
(Zeek run without them) the payload bytes stand in. Unset counters, and an unset duration, are 0.
``service`` is Zeek's own finding; where it names several the list is sorted and joined by commas.
``proto`` is icmp for both families: with IPv6 addresses it is ICMPv6, and ``ip_proto``, from version 7.1 on, goes
before it. ``icmp_code`` is ``id.resp_p`` as it stands, which of messages that are answered (echo, router and neighbour
solicitation) is the type of the answer: Zeek does not log their code (ICMP4_counterpart and ICMP6_counterpart in its
ICMP.cc), which the RFCs set to 0.
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import draft_of, first_reason, has_ports, is_icmp, protocols, unknown_protocol
from telflow.ingest.layout import Format, Layout
from telflow.ingest.protocols import ICMP_PROTOCOLS
from telflow.ingest.record import Reason
from telflow.ingest.times import from_epoch, micros, offset_times

EXPORTER_FIELDS: Final = ("_node_name", "_system_name", "peer", "_system")
CONN: Final = "conn"
ICMP, ICMP_V6 = ICMP_PROTOCOLS
FIRST_MILLIS: Final = 100_000_000_000  # from here on a time is in milliseconds: as seconds, it would be after 5138
# Zeek sets the first of these in every record of conn.log, and none of them in that of any other log
CONN_FIELDS: Final = ("conn_state", "history", "orig_pkts", "orig_ip_bytes")


def draft_json(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of JSON records; one without ``_path`` that is Zeek's but holds nothing of conn.log is another log's."""
    is_zeeks = pl.col("ts").is_not_null() & pl.col("id.orig_h").is_not_null()
    holds_nothing = pl.all_horizontal(pl.col(name).is_null() for name in CONN_FIELDS)
    is_other = pl.col("_path").is_null() & is_zeeks & holds_nothing
    other = pl.when(is_other).then(pl.lit("")).otherwise("_path").alias("_path")
    return draft(frame.with_columns(other), layout)


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of records; those of another log than conn.log are skipped."""
    numbers = protocol_numbers(frame)
    start = start_times(frame["ts"])
    known = frame.with_columns(start.alias("start_time"), numbers.alias("protocol"))
    length = micros(pl.col("duration").fill_null(0.0)).cast(pl.Duration("us"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": start,
        "end_time": pl.col("start_time") + length,
        "src_ip": pl.col("id.orig_h"),
        "dst_ip": pl.col("id.resp_h"),
        "src_port": pl.when(has_ports()).then(pl.col("id.orig_p")),
        "dst_port": pl.when(has_ports()).then(pl.col("id.resp_p")),
        "icmp_type": pl.when(is_icmp()).then(pl.col("id.orig_p")),
        "icmp_code": pl.when(is_icmp()).then(pl.col("id.resp_p")),
        "protocol": numbers,
        "src_bytes": pl.coalesce("orig_ip_bytes", "orig_bytes", pl.lit(0)),
        "src_packets": pl.col("orig_pkts").fill_null(0),
        "dst_bytes": pl.coalesce("resp_ip_bytes", "resp_bytes", pl.lit(0)),
        "dst_packets": pl.col("resp_pkts").fill_null(0),
        "is_bidirectional": pl.lit(value=True),
        "exporter": pl.coalesce(*EXPORTER_FIELDS, pl.lit(layout.exporter, pl.String)),
        "observed_application": services(frame["service"], layout.set_separator),
        "opened_by_src": pl.lit(value=True),
        "is_skipped": (pl.col("_path") != CONN).fill_null(value=layout.is_skipped),
        "reason": first_reason(
            unknown_protocol(frame["proto"], numbers),
            frame.select(negative_duration()).to_series(),
        ),
    }
    return draft_of(known, columns, layout)


def protocol_numbers(frame: pl.DataFrame) -> pl.Series:
    """Number of the protocol; null where Zeek tells none, as in ``unknown_transport``."""
    by_name = protocols(frame["proto"])
    is_six = (by_name == ICMP) & frame["id.orig_h"].str.contains(":", literal=True)
    return protocols(frame["ip_proto"]).fill_null(by_name.set(is_six.fill_null(value=False), ICMP_V6))


def start_times(values: pl.Series) -> pl.Series:
    """Epoch seconds with a fraction, epoch milliseconds, or ISO 8601, as UTC; null where the text is none of them."""
    frame = values.alias("ts").to_frame()
    number = pl.col("ts").cast(pl.Float64, strict=False)
    seconds = pl.when(number < FIRST_MILLIS).then(number).otherwise(number / 1000)
    found = frame.select(from_epoch(seconds)).to_series()
    if found.null_count() == values.null_count():
        return found
    return found.zip_with(found.is_not_null(), offset_times(values))


def negative_duration() -> pl.Expr:
    return pl.when(pl.col("duration") < 0).then(pl.lit(Reason.NEGATIVE_DURATION.value))


def services(values: pl.Series, separator: str) -> pl.Series:
    """Services in lower case; of several, sorted and joined by commas."""
    distinct = values.unique().drop_nulls().to_list()
    named = {
        text: ",".join(sorted(part.strip() for part in text.lower().split(separator) if part.strip()))
        for text in distinct
    }
    known = {text: name for text, name in named.items() if name and name != "(empty)"}
    return values.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)


FIELDS: Final = {
    **dict.fromkeys(("ts", "id.orig_h", "id.resp_h", "proto", "ip_proto", "service", "_path"), pl.String),
    **dict.fromkeys(EXPORTER_FIELDS, pl.String),
    "duration": pl.Float64,
    **dict.fromkeys(("id.orig_p", "id.resp_p", "orig_bytes", "resp_bytes"), pl.Int64),
    **dict.fromkeys(("orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"), pl.Int64),
}
REQUIRED: Final = ("ts", "id.orig_h", "id.resp_h", "proto")
TSV: Final = Format(fields=FIELDS, required=REQUIRED, line_kinds=(("#", "comment"),), draft=draft)
JSON_FIELDS: Final = FIELDS | dict.fromkeys(("conn_state", "history"), pl.String)
JSON: Final = Format(fields=JSON_FIELDS, required=REQUIRED, is_json=True, draft=draft_json)
