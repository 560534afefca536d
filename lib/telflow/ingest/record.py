"""The canonical record: its columns, what it may hold, and the reasons to reject what it may not.

A format's module makes a *draft* of each record (``DRAFT`` below); :func:`telflow.ingest.record.reasons` says which
drafts are no flows and why, and :mod:`telflow.ingest.finish` makes rows of the others.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import polars as pl
import pyarrow as pa

from telflow.privacy.tokens import Tokenizer

UTC_MICROS: Final = pa.timestamp("us", tz="UTC")

FLOW_SCHEMA: Final = pa.schema(
    [
        ("event_date", pa.date32()),
        ("flow_id", pa.int64()),
        ("start_time", UTC_MICROS),
        ("end_time", UTC_MICROS),
        ("exporter", pa.string()),
        ("src_ip", pa.string()),
        ("dst_ip", pa.string()),
        ("src_port", pa.int32()),
        ("dst_port", pa.int32()),
        ("protocol", pa.int32()),
        ("src_bytes", pa.int64()),
        ("src_packets", pa.int64()),
        ("dst_bytes", pa.int64()),
        ("dst_packets", pa.int64()),
        ("is_bidirectional", pa.bool_()),
        ("tcp_flags", pa.int32()),
        ("icmp_type", pa.int32()),
        ("icmp_code", pa.int32()),
        ("src_mac", pa.string()),
        ("dst_mac", pa.string()),
        ("sampling_rate", pa.int32()),
        ("observed_application", pa.string()),
        ("source_format", pa.string()),
        ("is_src_own", pa.bool_()),
        ("is_dst_own", pa.bool_()),
        ("initiator", pa.string()),
    ]
)
REJECT_SCHEMA: Final = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("raw", pa.string())])

RAW_CHARACTERS: Final = 4096  # a rejected line is kept up to here: enough to see why, too little to hoard payload

NOT_A_NUMBER: Final = -(2**62)  # stands in a whole number's place where the text is none
TOO_LARGE: Final = 2**62  # stands where the text is a whole number beyond 64 bits
MAX_PORT: Final = 65_535
MAX_PROTOCOL: Final = 255
MAX_SAMPLING_RATE: Final = 2**31 - 1


class Reason(StrEnum):
    """Why a line is no flow."""

    UNPARSABLE = "unparsable"
    MISSING_FIELD = "missing_field"
    BAD_ADDRESS = "bad_address"
    PORT_OUT_OF_RANGE = "port_out_of_range"
    NEGATIVE_DURATION = "negative_duration"
    ABSURD_DURATION = "absurd_duration"
    END_BEFORE_START = "end_before_start"
    COUNTER_OVERFLOW = "counter_overflow"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    MAC_INSTEAD_OF_IP = "mac_instead_of_ip"
    NOT_AN_IP_PROTOCOL = "not_an_ip_protocol"


@dataclass(frozen=True)
class ParseContext:
    """What the records of any source are judged by.

    Attributes:
        tokenizer: makes tokens of own-side addresses and of MAC addresses.
        own_prefixes: CIDR blocks of the provider's own side.
        every_source_is_own: every source address, and no other, is taken for the own side, as the original study did.
        max_duration_seconds: a longer flow is absurd.
        earliest: flows that start before are out of range, UTC.
        latest: flows that start then or after are out of range, UTC.
        max_record_bytes: a larger counter of bytes or packets is an overflow; 2^53 - 1 or less.
    """

    tokenizer: Tokenizer
    own_prefixes: tuple[str, ...] = ()
    every_source_is_own: bool = False
    max_duration_seconds: int = 604_800
    earliest: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    latest: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    max_record_bytes: int = 2**53 - 1


# What a format's module makes of its records. Null means that the record does not tell. Times are UTC without zone.
# is_skipped: the record is no finished flow. opened_by_src: true, false, or null where nobody says.
# reason: a fault that only this format can have. clock_runs_back: the record's own end lies before its start.
DRAFT: Final[dict[str, pl.DataType]] = {
    "start_time": pl.Datetime("us"),
    "end_time": pl.Datetime("us"),
    "src_ip": pl.String(),
    "dst_ip": pl.String(),
    "src_port": pl.Int64(),
    "dst_port": pl.Int64(),
    "protocol": pl.Int64(),
    "src_bytes": pl.Int64(),
    "src_packets": pl.Int64(),
    "dst_bytes": pl.Int64(),
    "dst_packets": pl.Int64(),
    "is_bidirectional": pl.Boolean(),
    "tcp_flags": pl.Int64(),
    "icmp_type": pl.Int64(),
    "icmp_code": pl.Int64(),
    "src_mac": pl.String(),
    "dst_mac": pl.String(),
    "sampling_rate": pl.Int64(),
    "exporter": pl.String(),
    "observed_application": pl.String(),
    "opened_by_src": pl.Boolean(),
    "is_skipped": pl.Boolean(),
    "reason": pl.String(),
}
COUNTERS: Final = ("src_bytes", "src_packets", "dst_bytes", "dst_packets")
PORTS: Final = ("src_port", "dst_port")
NEVER_NULL: Final = ("start_time", "end_time", "src_ip", "dst_ip", "protocol", *COUNTERS)


def normalise_address(text: str) -> str | None:
    """The one spelling of an IPv4 or IPv6 address that tokens are made of; None where ``text`` is no address.

    IPv6 is compressed and lower case (RFC 5952), an IPv4-mapped address (``::ffff:192.0.2.1``) is the IPv4 address,
    a zone (``%eth0``) falls away.
    """
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def is_sound(context: ParseContext) -> pl.Expr:
    """Whether a draft, its addresses aside, is a flow: the cheap question asked of every record."""
    start, end = pl.col("start_time"), pl.col("end_time")
    largest = pl.max_horizontal(COUNTERS)
    smallest = pl.min_horizontal(COUNTERS)
    checks = [
        pl.col("reason").is_null(),
        start.is_between(naive(context.earliest), naive(context.latest), closed="left"),
        (end - start).is_between(pl.duration(), pl.duration(seconds=context.max_duration_seconds)),
        pl.col("protocol").is_between(0, MAX_PROTOCOL),
        *(pl.col(counter).is_not_null() for counter in COUNTERS),
        smallest >= 0,
        largest <= context.max_record_bytes // pl.col("sampling_rate"),
        *(pl.col(port).is_between(0, MAX_PORT).fill_null(value=True) for port in PORTS),
        *(in_range_or_null(name, top) for name, top in (("icmp_type", 255), ("icmp_code", 255), ("tcp_flags", 65_535))),
        pl.col("sampling_rate").is_between(1, MAX_SAMPLING_RATE),
    ]
    return pl.all_horizontal(checks).fill_null(value=False)


def in_range_or_null(name: str, top: int) -> pl.Expr:
    return pl.col(name).is_between(0, top).fill_null(value=True)


def fault(context: ParseContext) -> pl.Expr:
    """Reason code of a draft that is not sound, from its columns, ``is_missing``, ``src_is_bad`` and ``dst_is_bad``."""
    start, end = pl.col("start_time"), pl.col("end_time")
    in_range = start.is_between(naive(context.earliest), naive(context.latest), closed="left")
    numbers = [*COUNTERS, *PORTS, "protocol", "icmp_type", "icmp_code", "tcp_flags", "sampling_rate"]
    is_garbled = pl.any_horizontal(
        *(pl.col(name) == NOT_A_NUMBER for name in numbers),
        *(pl.col(name) < 0 for name in (*COUNTERS, "icmp_type", "icmp_code", "tcp_flags", "sampling_rate")),
        *(pl.col(name).is_null() for name in NEVER_NULL if name != "protocol"),
    )
    limit = context.max_record_bytes // pl.col("sampling_rate").clip(1, MAX_SAMPLING_RATE)
    rules = [
        (pl.col("is_missing"), Reason.MISSING_FIELD),
        (is_garbled, Reason.UNPARSABLE),
        (pl.any_horizontal("src_is_bad", "dst_is_bad"), Reason.BAD_ADDRESS),
        (~pl.col("protocol").is_between(0, MAX_PROTOCOL).fill_null(value=False), Reason.NOT_AN_IP_PROTOCOL),
        (pl.any_horizontal(~in_range_or_null(port, MAX_PORT) for port in PORTS), Reason.PORT_OUT_OF_RANGE),
        (pl.max_horizontal(COUNTERS) > limit, Reason.COUNTER_OVERFLOW),
        (~in_range, Reason.TIME_OUT_OF_RANGE),
        (end < start, Reason.END_BEFORE_START),
        (end - start > pl.duration(seconds=context.max_duration_seconds), Reason.ABSURD_DURATION),
    ]
    chosen = [pl.when(test).then(pl.lit(code.value)) for test, code in rules]
    return pl.coalesce("reason", *chosen, pl.lit(Reason.UNPARSABLE.value))


def naive(moment: datetime) -> datetime:
    """A UTC moment without its zone, as drafts hold times."""
    return moment.astimezone(UTC).replace(tzinfo=None)
