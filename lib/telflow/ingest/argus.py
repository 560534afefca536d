"""Argus flows as ``ra`` prints them (binetflow): separated by commas or TABs, 13 to 17 columns.

``SrcBytes`` and ``SrcPkts`` went from source to destination, the rest of ``TotBytes`` and ``TotPkts`` came back. Files
without ``SrcPkts`` (the 15 columns of CTU-13) share the packets out as the bytes went, at least one for each direction
that has bytes. Ports of ICMP hold ``0xCCTT`` (code and type) in the source port, of ICMPv6 the type and the code.
Other ports are numbers, decimal or hexadecimal, or the registry's names, as ``ra`` prints them without ``-n``; a name
that is registered for several ports is none, but for the few that systems know one port of. ``StartTime`` may be epoch
seconds (``ra -u``).
"""

from collections import defaultdict
from functools import cache
from typing import Final

import polars as pl

from telflow.classify.shipped import load_shipped_registry
from telflow.ingest.fields import (
    TCP,
    UDP,
    draft_of,
    first_reason,
    has_ports,
    is_icmp,
    protocols,
    reason_where,
    unknown_protocol,
)
from telflow.ingest.layout import Format, Layout
from telflow.ingest.record import NOT_A_NUMBER, Reason
from telflow.ingest.times import as_utc, from_epoch, gap_reason, local_times, micros

TIME_FORMATS: Final = (
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
)
ARGUS_NAMES: Final = {
    # what Argus's own decoders of an application print instead of the protocol below it
    "rtp": 17,
    "rtcp": 17,
    "udt": 17,
    # its own table of protocols, some of whose numbers IANA has given to others since
    "ipnip": 4,
    "bbn-rcc": 10,
    "sep": 33,
    "mhrp": 48,
    "ipv6-no": 59,
    "ttp": 84,
    "igrp": 88,
    "aes-sp3-d": 96,
    "pri-enc": 99,
    "ipx-n-ip": 111,
    "zero": 114,
    "sccopmce": 128,
}
# names with several ports in the registry, and the one that /etc/services of common systems gives them
USUAL_PORTS: Final = {"http-alt": "8080", "x11": "6000", "mon": "2583"}
PORT_COLUMNS: Final = ("Sport", "Dport")
PORT_NAME: Final = r"^\s*[a-z][a-z0-9-]*\s*$"
MAC_FORM: Final = r"^[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2}){5}$"
OPENED_BY: Final = {"->": True, "<-": False}  # all others say that Argus did not see who began


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of Argus's records."""
    told = frame["StartTime"].str.strip_chars()
    clock = local_times(told, TIME_FORMATS)
    start = as_utc(clock, layout.zone)
    if clock.null_count():
        start = start.zip_with(
            clock.is_not_null(), pl.select(from_epoch(pl.lit(told.cast(pl.Float64, strict=False)))).to_series()
        )
    numbers = protocols(frame["Proto"], ARGUS_NAMES)
    hosts = frame.select(
        is_mac=pl.any_horizontal(pl.col(name).str.contains(MAC_FORM) for name in ("SrcAddr", "DstAddr")),
        is_short=(pl.col("SrcBytes") > pl.col("TotBytes")) | (pl.col("SrcPkts") > pl.col("TotPkts")),
    )
    known = frame.with_columns(start.alias("start_time"), numbers.alias("protocol")).pipe(with_numbers_of_names)
    source_port, destination_port = number("Sport"), number("Dport")
    is_hex = pl.col("Sport").str.starts_with("0x").fill_null(value=False)
    sent = source_packets()
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": start,
        "end_time": pl.col("start_time") + micros(pl.col("Dur")).cast(pl.Duration("us")),
        "src_ip": pl.col("SrcAddr").str.strip_chars(),
        "dst_ip": pl.col("DstAddr").str.strip_chars(),
        "src_port": pl.when(has_ports()).then(source_port),
        "dst_port": pl.when(has_ports()).then(destination_port),
        "icmp_type": pl.when(is_icmp()).then(pl.when(is_hex).then(source_port % 256).otherwise(source_port)),
        "icmp_code": pl.when(is_icmp()).then(pl.when(is_hex).then(source_port // 256).otherwise(destination_port)),
        "protocol": numbers,
        "src_bytes": pl.col("SrcBytes"),
        "src_packets": sent,
        "dst_bytes": pl.col("TotBytes") - pl.col("SrcBytes"),
        "dst_packets": pl.col("TotPkts") - sent,
        "is_bidirectional": pl.lit(value=True),
        "opened_by_src": pl.col("Dir")
        .str.strip_chars()
        .replace_strict(list(OPENED_BY), list(OPENED_BY.values()), default=None, return_dtype=pl.Boolean),
        "reason": first_reason(
            unknown_protocol(frame["Proto"], numbers),
            reason_where(hosts["is_mac"].fill_null(value=False), Reason.MAC_INSTEAD_OF_IP),
            gap_reason(clock, start),
            reason_where((frame["Dur"] < 0).fill_null(value=False), Reason.NEGATIVE_DURATION),
            reason_where(hosts["is_short"].fill_null(value=False), Reason.UNPARSABLE),
        ),
    }
    return draft_of(known, columns, layout)


def with_numbers_of_names(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with numbers in the place of ports that are given by the name of their service."""
    is_name = [pl.col(name).str.contains(PORT_NAME).any() for name in PORT_COLUMNS]
    if not frame.select(pl.any_horizontal(is_name).fill_null(value=False)).item():
        return frame
    by_tcp, by_udp = (port_names(protocol) for protocol in (TCP, UDP))
    return frame.with_columns(
        pl.when(pl.col("protocol") == UDP).then(name.replace(by_udp)).otherwise(name.replace(by_tcp))
        for name in (pl.col(column).str.strip_chars() for column in PORT_COLUMNS)
    )


@cache
def port_names(protocol: int) -> dict[str, str]:
    """Port, in decimal text, of each service name of a protocol that has one port only, or one that is usual."""
    named: dict[str, set[int]] = defaultdict(set)
    for fact in load_shipped_registry().services:
        if fact.protocol == protocol:
            for name in (fact.service, *fact.aliases):
                named[name] |= {fact.port_from, fact.port_to}
    return {name: str(ports.pop()) for name, ports in named.items() if len(ports) == 1} | USUAL_PORTS


def number(column: str) -> pl.Expr:
    """A port in decimal or hexadecimal (``0x0008``); ``NOT_A_NUMBER`` where it is neither."""
    text = pl.col(column).str.strip_chars()
    hexadecimal = text.str.strip_prefix("0x").str.to_integer(base=16, dtype=pl.Int64, strict=False)
    decimal = text.cast(pl.Int64, strict=False)
    value = pl.when(text.str.starts_with("0x")).then(hexadecimal).otherwise(decimal)
    return pl.when(text != "").then(value.fill_null(NOT_A_NUMBER))


def source_packets() -> pl.Expr:
    """Packets from the source: told, or shared out as the bytes went."""
    total, sent, all_bytes = pl.col("TotPkts"), pl.col("SrcBytes"), pl.col("TotBytes")
    shared = (total * sent / all_bytes).round().cast(pl.Int64, strict=False).clip(1, pl.max_horizontal(total - 1, 1))
    guessed = pl.when(sent == all_bytes).then(total).when(sent == 0).then(0).otherwise(shared)
    return pl.coalesce("SrcPkts", guessed)


FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("StartTime", "Proto", "SrcAddr", "Sport", "Dir", "DstAddr", "Dport"), pl.String),
        "Dur": pl.Float64,
        **dict.fromkeys(("TotPkts", "TotBytes", "SrcBytes", "SrcPkts"), pl.Int64),
    },
    required=("StartTime", "Dur", "Proto", "SrcAddr", "DstAddr", "TotPkts", "TotBytes", "SrcBytes"),
    draft=draft,
)
