"""Which format a file is, from its first lines."""

import json
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from telflow.ingest.aws_vpc import CLOUDWATCH, COLUMNS_V2, NO_FLOW
from telflow.ingest.files import MAGIC
from telflow.ingest.formats import FORMAT_NAMES, FORMATS, NFCAPD
from telflow.ingest.layout import Layout, UnknownFormatError, missing_columns
from telflow.ingest.nfdump import COLUMNS_48
from telflow.ingest.zeek import CONN, CONN_FIELDS
from telflow.ingest.zeek_head import layout_below, with_head_line
from telflow.settings import SourceSettings

QUOTED_LINES = 3  # lines looked at for quotes around values: a header may have none where the records do
OPEN_CONN = "open_conn"
MAC = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
TAR_MARK = slice(257, 262)  # a tar archive begins with a file's name, and has its mark behind the first header
CAPTURES = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
SUPPORTED = ", ".join(FORMAT_NAMES)
OTHERS = (
    (
        tuple(magic for magic, storage in MAGIC if storage == NFCAPD),
        "a binary file of nfdump, compressed: unpack it first",
    ),
    (CAPTURES, "a packet capture: make flows of it first, with nfpcapd, Zeek or Argus"),
    ((b"\xff\xfe", b"\xfe\xff"), "UTF-16 text: save it as UTF-8"),
    ((b"PK\x03\x04",), "a zip archive or a spreadsheet: unpack it, or save it as CSV"),
    ((b"\xfd7zXZ\x00",), "compressed by xz: unpack it, or compress it by gzip, bzip2 or zstd"),
    ((b"\x04\x22\x4d\x18",), "compressed by lz4: unpack it, or compress it by gzip, bzip2 or zstd"),
    ((b"\x1f\x9d",), "compressed by compress (.Z): unpack it, or compress it by gzip, bzip2 or zstd"),
    ((b"PAR1",), "a Parquet file: write its records out as one of the formats that are read"),
    ((b"Date first seen",), "what nfdump prints for people to read: print it with nfdump -o csv"),
    ((b"[",), "one JSON array: write one object a line, as jq -c '.[]' does"),
)


def detect_layout(head: bytes, source: SourceSettings, path: str) -> Layout:
    """Layout of a file that begins with ``head`` (decompressed, some kilobytes).

    Raises:
        UnknownFormatError: no format fits, columns are missing, or the file's lines are not of the format that
            the settings give.
    """
    for beginnings, what in OTHERS:
        if head.startswith(beginnings):
            raise UnknownFormatError(f"{path} is {what}")
    if head[TAR_MARK] == b"ustar":
        raise UnknownFormatError(f"{path} is a tar archive: unpack it")
    if b"\r" in head.rstrip() and b"\n" not in head:
        raise UnknownFormatError(f"{path} ends its lines in CR alone: write LF instead, as tr '\\r' '\\n' does")
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    lines = [line for line in lines if line.strip()]
    first = lines[0] if lines else ""
    if source.format is not None and source.format not in FORMATS:
        raise UnknownFormatError(f"{path}: format {source.format} is not known: give one of {SUPPORTED}")
    if first.lstrip().startswith("{"):
        return json_layout(lines, source, path)
    if first.startswith("#"):
        return zeek_layout(lines, source, path)
    return text_layout(lines, source, path)


def layout_of(name: str, source: SourceSettings, path: str, **found: Any) -> Layout:
    """A layout with what the settings know of the source."""
    if source.format is not None and source.format != name:
        raise UnknownFormatError(
            f"{path} is {name}, but the settings say {source.format}: correct ingest.sources for this file's name"
        )
    return Layout(
        source_format=name,
        text_format=name,
        zone=source.zone,
        sampling_rate=source.sampling_rate,
        exporter=source.exporter,
        **found,
    )


def zeek_layout(lines: Sequence[str], source: SourceSettings, path: str) -> Layout:
    """Layout of a Zeek log by the comment lines at its head."""
    told: dict[str, str] = {}
    for line in takewhile(lambda line: line.startswith("#"), lines):
        told = with_head_line(told, line)
    if "fields" not in told:
        raise UnknownFormatError(f"{path} begins with a comment but has no #fields line: supported are {SUPPORTED}")
    log = told.get("path", CONN).strip()
    if log not in (CONN, OPEN_CONN):
        raise UnknownFormatError(f"{path} is Zeek's {log}.log: only conn.log holds flows, take this file out")
    return layout_below(told, layout_of("zeek_tsv", source, path), path)


def json_layout(lines: Sequence[str], source: SourceSettings, path: str) -> Layout:
    """Layout of JSON lines by the keys of the first objects."""
    objects = [found for line in lines if (found := json_object(line)) is not None]
    if not objects:
        raise UnknownFormatError(f"{path} begins like JSON lines, but its first line is no JSON object")
    keys = {key for found in objects for key in found}
    name = json_format(objects, keys, path)
    is_skipped = name == "zeek_json" and {str(found.get("_path")) for found in objects} == {OPEN_CONN}
    return layout_of(name, source, path, is_skipped=is_skipped)


def json_object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def json_format(objects: Sequence[dict[str, Any]], keys: set[str], path: str) -> str:
    """Name of the format by the keys that its objects hold."""
    if "ts" in keys and ("id.orig_h" in keys or "_path" in keys):
        logs = {str(found["_path"]) for found in objects if "_path" in found}
        # a stream of several logs may hold records of conn.log further on
        if len(logs) < 2 and not keys & set(CONN_FIELDS):
            log = f"Zeek's {logs.pop()}.log" if logs else "a Zeek log, but not conn.log"
            raise UnknownFormatError(f"{path} is {log}: only conn.log holds flows, take it out")
        return "zeek_json"
    for name, needed in (("suricata", {"event_type", "timestamp"}), ("goflow2", {"src_addr", "dst_addr", "proto"})):
        if needed <= keys:
            return name
    shown = ", ".join(sorted(keys)[:8])
    raise UnknownFormatError(f"{path} is JSON with keys {shown}: of no format this package reads ({SUPPORTED})")


def text_layout(lines: Sequence[str], source: SourceSettings, path: str) -> Layout:
    """Layout of separated text by its header line, or by the look of its first line where it has none."""
    header = lines[0] if lines else ""
    quote = '"' if any(line.startswith('"') for line in lines[:QUOTED_LINES]) else None
    if is_bare_nfdump(header):
        return layout_of("nfdump_csv48", source, path, columns=COLUMNS_48, quote=quote)
    before = columns_before_aws(header)
    if before is not None:
        return layout_of("aws_vpc", source, path, columns=(*before, *COLUMNS_V2), separator=" ", unset=("-",))
    nearest: tuple[float, str, list[str]] = (0.0, "", [])
    for name, form in FORMATS.items():
        if form.is_json or name == "zeek_tsv":
            continue
        for separator in (",", "\t", ";", " "):
            columns = columns_of(header, separator, name)
            missing = missing_columns(form, columns)
            if not missing:
                unset = ("-",) if name == "aws_vpc" else ()
                found = {"columns": columns, "separator": separator, "header": header, "unset": unset, "quote": quote}
                return layout_of(name, source, path, **found)
            share = 1 - len(missing) / len(form.required)
            nearest = max(nearest, (share, name, missing))
    if nearest[0] >= 0.5:
        raise UnknownFormatError(f"{path} looks like {nearest[1]} but has no column {', '.join(nearest[2])}")
    if re.match(r"\d{9,10}\.\d+\tC\w+\t", header):
        raise UnknownFormatError(
            f"{path} looks like Zeek's conn.log without its head: the #fields line, which names the columns, is missing"
        )
    raise UnknownFormatError(
        f"{path} is of no format this package reads ({SUPPORTED}): its first line is none's header"
    )


def columns_of(header: str, separator: str, name: str) -> tuple[str, ...]:
    """Columns of a header line in this package's spelling, each name once."""
    aliases = FORMATS[name].aliases
    columns: list[str] = []
    for text in header.split(separator):
        bare = text.strip().strip('"')
        known = aliases.get(bare.lower(), bare)
        columns.append(known if known not in columns else f"{bare}#{len(columns)}")
    return tuple(columns)


def is_bare_nfdump(line: str) -> bool:
    """Whether a line is a record of nfdump's 48 columns: what ``nfdump -q`` prints has no header."""
    values = line.replace('"', "").split(",")
    return len(values) == 48 and all(re.fullmatch(MAC, value) for value in values[27:31])


def columns_before_aws(line: str) -> tuple[str, ...] | None:
    """Columns that CloudWatch put before a record of a VPC flow log of version 2; None where the line is none.

    Records in S3 and CloudWatch may have no header; CloudWatch's own tools put the time of delivery, and the name of
    the log stream, before each.
    """
    values = line.split(" ")
    record = values[-len(COLUMNS_V2) :]
    if len(record) < len(COLUMNS_V2) or record[0] != "2" or record[-1] not in ("OK", *NO_FLOW):
        return None
    before = len(values) - len(COLUMNS_V2)
    is_known = before == 0 or (before <= len(CLOUDWATCH) and re.match(r"\d{4}-\d\d-\d\dT", line) is not None)
    return CLOUDWATCH[:before] if is_known else None
