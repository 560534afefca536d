"""nfdump's text output: ``-o csv`` of 1.6 to 1.7.4 (48 columns), ``-o csv`` from 1.7.5, and ``-o csv-fast``.

Columns as nfdump prints them (src/output/output_csv.c and output_csv_fast.c of its tags v1.7.1 and v1.7.8):
``ipkt`` and ``ibyt`` count from source to destination, ``opkt`` and ``obyt`` the other way (0 in a record of one
direction). ``dp`` of ICMP is ``type.code`` or type * 256 + code. Times are local to where nfdump ran.

Where clocks are set back, an hour of ``ts`` and ``te`` occurs twice. The duration settles it: ``ts`` is the one of its
two readings from which ``td`` leads to ``te``, the earlier where both do or there is no ``td``; ``te`` is before ``ts``
only where its later reading is.
"""

from datetime import timedelta
from typing import Final

import polars as pl

from telflow.ingest.fields import (
    draft_of,
    first_reason,
    flags,
    map_distinct,
    opened_by_src,
    port_number,
    protocols,
    reason_where,
    unknown_protocol,
)
from telflow.ingest.layout import Format, Layout, LineKind
from telflow.ingest.protocols import ICMP_PROTOCOLS, NFDUMP_NAMES, PORT_PROTOCOLS
from telflow.ingest.record import NOT_A_NUMBER, Reason
from telflow.ingest.times import as_utc, duration_seconds, from_millis, gap_reason, local_times, micros

HEADER_48: Final = (
    "ts te td sa da sp dp pr flg fwd stos ipkt ibyt opkt obyt in out sas das smk dmk dtos dir nh nhb svln dvln "
    "ismc odmc idmc osmc mpls1 mpls2 mpls3 mpls4 mpls5 mpls6 mpls7 mpls8 mpls9 mpls10 cl sl al ra eng exid tr"
)
COLUMNS_48: Final = tuple(HEADER_48.split())
TIME_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    # a spreadsheet's copy, month first; the two-digit year goes first, for %Y would take 22 for the year 22
    "%m/%d/%y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
)
CLOCK_STEP: Final = timedelta(seconds=1)  # ts and te are cut to whole seconds


def draft_csv48(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of the 48 columns. The end is the start plus ``td``, which has the milliseconds that ``te`` lacks."""
    clock_start, clock_end = local_times(frame["ts"], TIME_FORMATS), local_times(frame["te"], TIME_FORMATS)
    start = start_times(clock_start, clock_end, frame["td"], layout.zone)
    numbers = protocols(frame["pr"], NFDUMP_NAMES)
    is_reversed = (clock_end < clock_start).fill_null(value=False)
    if is_reversed.any():
        is_reversed &= (as_utc(clock_end, layout.zone, "latest") < start).fill_null(value=True)
    known = frame.with_columns(
        start.alias("start_time"), numbers.alias("protocol"), flags(frame["flg"]).alias("tcp_flags")
    )
    is_one_way = pl.col("opkt").fill_null(0) == 0
    if frame["td"].null_count():
        first, second = as_utc(clock_end, layout.zone), as_utc(clock_end, layout.zone, "latest")
        end = pl.coalesce(end_after("td"), pl.lit(first.zip_with((first >= start).fill_null(value=True), second)))
    else:
        end = end_after("td")
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": start,
        "end_time": end,
        "src_ip": pl.col("sa"),
        "dst_ip": pl.col("da"),
        **ports_and_icmp(frame, "sp", "dp", numbers),
        "protocol": numbers,
        "src_bytes": pl.col("ibyt"),
        "src_packets": pl.col("ipkt"),
        "dst_bytes": pl.col("obyt").fill_null(0),
        "dst_packets": pl.col("opkt").fill_null(0),
        "is_bidirectional": ~is_one_way,
        "tcp_flags": pl.col("tcp_flags"),
        "src_mac": pl.col("ismc"),
        "dst_mac": pl.col("odmc"),
        "exporter": exporter("ra", layout),
        "opened_by_src": opened_by_src(is_one_way, pl.col("ipkt")),
        "reason": first_reason(
            unknown_protocol(frame["pr"], numbers),
            gap_reason(clock_start, start),
            reason_where((frame["td"] < 0).fill_null(value=False), Reason.NEGATIVE_DURATION),
            reason_where(is_reversed, Reason.END_BEFORE_START),
        ),
    }
    return draft_of(known, columns, layout)


def start_times(clock_start: pl.Series, clock_end: pl.Series, seconds: pl.Series, zone: str) -> pl.Series:
    """Starts in UTC; of one that occurs twice, the reading that the duration says."""
    first, second = as_utc(clock_start, zone), as_utc(clock_start, zone, "latest")
    if zone == "UTC" or bool((first == second).fill_null(value=True).all()):
        return first
    length = pl.select(micros(pl.lit(seconds)).cast(pl.Duration("us"))).to_series()
    ends = as_utc(clock_end, zone), as_utc(clock_end, zone, "latest")
    fits_first, fits_second = (
        (((start + length - ends[0]).abs() <= CLOCK_STEP) | ((start + length - ends[1]).abs() <= CLOCK_STEP))
        for start in (first, second)
    )
    return second.zip_with((fits_second & ~fits_first).fill_null(value=False), first)


def draft_csv175(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of ``-o csv`` from 1.7.5: protocol by number, no end, no flags; a row may stand for several flows."""
    clock = local_times(frame["firstSeen"], TIME_FORMATS)
    start = as_utc(clock, layout.zone)
    numbers = protocols(frame["proto"], NFDUMP_NAMES)
    known = frame.with_columns(
        start.alias("start_time"), numbers.alias("protocol"), duration_seconds(frame["duration"]).alias("duration")
    )
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": start,
        "end_time": end_after("duration"),
        "src_ip": pl.col("srcAddr"),
        "dst_ip": pl.col("dstAddr"),
        **ports_and_icmp(frame, "srcPort", "dstPort", numbers),
        "protocol": numbers,
        "src_bytes": pl.col("bytes"),
        "src_packets": pl.col("packets"),
        "reason": first_reason(
            unknown_protocol(frame["proto"], numbers),
            gap_reason(clock, start),
            reason_where((known["duration"] < 0).fill_null(value=False), Reason.NEGATIVE_DURATION),
        ),
    }
    return draft_of(known, columns, layout)


def draft_csv_fast(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of ``-o csv-fast``: times in milliseconds since 1970, flags as in ``-o csv``."""
    numbers = protocols(frame["proto"], NFDUMP_NAMES)
    known = frame.with_columns(numbers.alias("protocol"), flags(frame["flags"]).alias("tcp_flags"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": from_millis("firstSeen"),
        "end_time": from_millis("lastSeen"),
        "src_ip": pl.col("srcAddr"),
        "dst_ip": pl.col("dstAddr"),
        **ports_and_icmp(frame, "srcPort", "dstPort", numbers),
        "protocol": numbers,
        "src_bytes": pl.col("bytes"),
        "src_packets": pl.col("packets"),
        "tcp_flags": pl.col("tcp_flags"),
        "opened_by_src": opened_by_src(pl.lit(value=True), pl.col("packets")),
        "reason": unknown_protocol(frame["proto"], numbers),
    }
    return draft_of(known, columns, layout)


def end_after(duration: str) -> pl.Expr:
    """``start_time`` plus a duration in seconds; null where that is no number."""
    return pl.col("start_time") + micros(pl.col(duration)).cast(pl.Duration("us"))


def ports_and_icmp(frame: pl.DataFrame, source: str, destination: str, numbers: pl.Series) -> dict[str, pl.Series]:
    """Ports where the protocol has them; type and code where it is ICMP."""
    columns = pl.select(
        src_port=pl.when(pl.lit(numbers).is_in(PORT_PROTOCOLS)).then(pl.lit(frame[source])),
        dst_port=pl.when(pl.lit(numbers).is_in(PORT_PROTOCOLS)).then(port_number(pl.lit(frame[destination]))),
        icmp=pl.when(pl.lit(numbers).is_in(ICMP_PROTOCOLS)).then(pl.lit(frame[destination])),
    )
    told = columns["icmp"]
    if told.null_count() == len(told):
        return {"src_port": columns["src_port"], "dst_port": columns["dst_port"]}
    texts = told.unique().drop_nulls().to_list()
    return {
        "src_port": columns["src_port"],
        "dst_port": columns["dst_port"],
        "icmp_type": map_distinct(told, {text: type_and_code(text)[0] for text in texts}),
        "icmp_code": map_distinct(told, {text: type_and_code(text)[1] for text in texts}),
    }


def type_and_code(text: str) -> tuple[int, int]:
    """ICMP type and code of ``type.code`` or of type * 256 + code."""
    kind, dot, code = text.strip().partition(".")
    if not (kind.isascii() and kind.isdigit() and (not dot or (code.isascii() and code.isdigit()))):
        return NOT_A_NUMBER, NOT_A_NUMBER
    return (int(kind[:9]), int(code[:9])) if dot else divmod(int(kind[:9]), 256)


def exporter(column: str, layout: Layout) -> pl.Expr:
    """The exporting router's address, or the name the settings give where it is all zero."""
    address = pl.col(column)
    is_given = address.str.contains("[1-9a-fA-F]")
    return pl.when(is_given).then(address).otherwise(pl.lit(layout.exporter, pl.String))


VOLUME_TYPES: Final = {"sp": pl.Int64, "ipkt": pl.Int64, "ibyt": pl.Int64, "opkt": pl.Int64, "obyt": pl.Int64}
SUMMARY: Final[tuple[tuple[str, LineKind], ...]] = (
    # a spreadsheet fills them up with commas
    (r'"?Summary"?,*\s*$', "trailer"),
    (r'"?flows"?,"?bytes"?,"?packets"?,"?avg_bps"?,"?avg_pps"?,"?avg_bpp"?,*\s*$', "trailer"),
    (r'"?\d+"?(,"?\d+"?){5},*\s*$', "trailer"),
    (r"No match(ing|ed) flows", "comment"),
)
NOT_MILLIS: Final = r"(?!\d+,\d+,\d{13},)"  # a record that is cut within its first address looks like a summary
CSV48: Final = Format(
    fields={
        **dict.fromkeys(("ts", "te"), pl.String),
        "td": pl.Float64,
        **dict.fromkeys(("sa", "da", "dp", "pr", "flg"), pl.String),
        **VOLUME_TYPES,
        **dict.fromkeys(("ismc", "odmc", "ra"), pl.String),
    },
    required=("ts", "sa", "da", "pr", "ipkt", "ibyt"),
    needs_one_of=(("te", "td"),),
    line_kinds=SUMMARY,
    draft=draft_csv48,
)
CSV175: Final = Format(
    fields={
        **dict.fromkeys(("firstSeen", "duration", "proto", "srcAddr", "dstAddr", "dstPort"), pl.String),
        **dict.fromkeys(("srcPort", "packets", "bytes"), pl.Int64),
    },
    required=("firstSeen", "duration", "proto", "srcAddr", "dstAddr", "packets", "bytes"),
    line_kinds=SUMMARY,
    draft=draft_csv175,
)
CSV_FAST: Final = Format(
    fields={
        **dict.fromkeys(("firstSeen", "lastSeen", "srcPort", "packets", "bytes"), pl.Int64),
        **dict.fromkeys(("proto", "srcAddr", "dstAddr", "dstPort", "flags"), pl.String),
    },
    required=("firstSeen", "lastSeen", "proto", "srcAddr", "dstAddr", "packets", "bytes"),
    line_kinds=tuple((NOT_MILLIS + pattern, kind) for pattern, kind in SUMMARY),
    draft=draft_csv_fast,
)
