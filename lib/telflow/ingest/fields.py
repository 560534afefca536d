"""Pieces that the formats' modules share: columns of a draft made from what exporters write."""

from collections.abc import Mapping

import polars as pl

from telflow.ingest.layout import Layout
from telflow.ingest.protocols import ICMP_PROTOCOLS, PORT_PROTOCOLS, protocol_number
from telflow.ingest.record import DRAFT, NOT_A_NUMBER, Reason

FLAG_LETTERS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "W": 128}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP = 6
UDP = 17
UNKNOWN_APPLICATIONS = ("", "unknown", "failed")


def draft_of(frame: pl.DataFrame, columns: Mapping[str, pl.Expr | pl.Series], layout: Layout) -> pl.DataFrame:
    """A draft of ``columns``; what is not among them is null, or what the layout says of the whole file."""
    known: dict[str, pl.Expr | pl.Series] = {
        "is_bidirectional": pl.lit(value=False),
        "is_skipped": pl.lit(value=False),
        "src_bytes": pl.lit(0),
        "src_packets": pl.lit(0),
        "dst_bytes": pl.lit(0),
        "dst_packets": pl.lit(0),
        "sampling_rate": pl.lit(layout.sampling_rate),
        "exporter": pl.lit(layout.exporter, pl.String),
    }
    known.update(columns)
    chosen = [
        known[name].cast(dtype).alias(name) if name in known else pl.lit(None, dtype).alias(name)
        for name, dtype in DRAFT.items()
    ]
    return frame.with_columns(chosen).select(list(DRAFT))


def map_distinct(values: pl.Series, mapping: Mapping[str, int | None]) -> pl.Series:
    """Number of each text; null where the mapping holds none."""
    found = {text: number for text, number in mapping.items() if number is not None}
    return values.replace_strict(list(found), list(found.values()), default=None, return_dtype=pl.Int64)


def protocols(values: pl.Series, own_names: Mapping[str, int] | None = None) -> pl.Series:
    """Protocol numbers of names or numbers; null where no IP protocol is known by that name."""
    distinct = values.unique().drop_nulls().to_list()
    return map_distinct(values, {text: protocol_number(text, own_names) for text in distinct})


def unknown_protocol(values: pl.Series, numbers: pl.Series) -> pl.Series:
    """``not_an_ip_protocol`` where a name is given that is none, else null."""
    is_unknown = values.is_not_null() & numbers.is_null()
    return reason_where(is_unknown, Reason.NOT_AN_IP_PROTOCOL)


def reason_where(test: pl.Series, reason: Reason) -> pl.Series:
    """``reason`` where ``test`` holds, else null."""
    code = pl.lit(reason.value) if test.any() else pl.lit(None, pl.String)
    return test.alias("test").to_frame().select(pl.when(pl.col("test")).then(code)).to_series()


def flag_mask(text: str) -> int:
    """TCP flags as a bit mask: ``...AP.SF`` (nfdump), ``0x1b`` or ``27``; ``NOT_A_NUMBER`` for anything else.

    FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 (RFC 9293).
    """
    bare = text.strip()
    if bare.isascii() and bare.isdigit():
        return int(bare)
    if bare.lower().startswith("0x"):
        try:
            return int(bare, 16)
        except ValueError:
            return NOT_A_NUMBER
    letters = bare.upper().replace(".", "").replace("-", "")
    masks = [FLAG_LETTERS.get(letter) for letter in letters]
    return sum({mask for mask in masks if mask is not None}) if None not in masks else NOT_A_NUMBER


def flags(values: pl.Series) -> pl.Series:
    """TCP flags of texts as bit masks."""
    return map_distinct(values, {text: flag_mask(text) for text in values.unique().drop_nulls().to_list()})


def has_ports(protocol: str = "protocol") -> pl.Expr:
    """Whether the protocol has ports."""
    return pl.col(protocol).is_in(PORT_PROTOCOLS)


def is_icmp(protocol: str = "protocol") -> pl.Expr:
    """Whether the protocol is ICMP or ICMPv6."""
    return pl.col(protocol).is_in(ICMP_PROTOCOLS)


def port_number(text: pl.Expr) -> pl.Expr:
    """A port in decimal text; ``NOT_A_NUMBER`` where the text is none, null where there is none."""
    number = text.str.strip_chars().cast(pl.Int64, strict=False)
    return pl.when(text.is_not_null()).then(number.fill_null(NOT_A_NUMBER))


def opened_by_src(is_one_way: pl.Expr, packets: pl.Expr) -> pl.Expr:
    """Who opened a TCP connection, by the flags of a record of one direction: true for the source, false, or null.

    The flags are the union over all packets of the record. SYN without ACK can only come from the client. SYN with ACK
    comes from the server when one packet was all there was; in a longer record it is either side's, and tells nothing.
    """
    value = pl.col("tcp_flags")
    has_syn, has_ack = (value & SYN) > 0, (value & ACK) > 0
    is_answer = ((value & (SYN | ACK | FIN | PSH | RST)) == (SYN | ACK)) & (packets == 1)
    is_tcp = pl.col("protocol") == TCP
    return (
        pl.when(is_tcp & is_one_way & has_syn & ~has_ack)
        .then(pl.lit(value=True))
        .when(is_tcp & is_one_way & is_answer)
        .then(pl.lit(value=False))
    )


def first_reason(*reasons: pl.Series) -> pl.Series:
    """The first reason there is, per record."""
    given = [reason for reason in reasons if reason.null_count() < len(reason)]
    return pl.select(pl.coalesce(given)).to_series() if given else reasons[0]


def application(values: pl.Series) -> pl.Series:
    """What the exporter took the traffic for, in lower case; null where it says that it does not know."""
    named = {text: text.strip().lower() for text in values.unique().drop_nulls().to_list()}
    known = {text: name for text, name in named.items() if name not in UNKNOWN_APPLICATIONS}
    return values.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
