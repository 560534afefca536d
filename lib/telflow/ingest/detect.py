"""Which format a file is, from its first lines."""

import json
import re
from collections.abc import Sequence
from typing import Any

from telflow.errors import InputError
from telflow.ingest.aws_vpc import COLUMNS_V2, NO_FLOW
from telflow.ingest.formats import FORMAT_NAMES, FORMATS
from telflow.ingest.layout import Layout
from telflow.ingest.nfdump import COLUMNS_48
from telflow.settings import SourceSettings

JSON_LINES = 50  # lines looked at for keys, for a log may begin with records of other kinds
ZEEK_PATHS = ("conn", "open_conn")
ZEEK_CONN_KEYS = ("conn_state", "orig_ip_bytes", "orig_pkts", "history")
MAC = r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"
CAPTURES = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
SUPPORTED = ", ".join(FORMAT_NAMES)


class UnknownFormatError(InputError):
    """The content is of no format this package reads."""


def detect_layout(head: bytes, source: SourceSettings, path: str) -> Layout:
    """Layout of a file that begins with ``head`` (decompressed, some kilobytes).

    Raises:
        UnknownFormatError: no format fits, columns are missing, or the file's lines are not of the format that
            the settings give.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnknownFormatError(f"{path} is UTF-16 text: save it as UTF-8")
    if head.startswith(CAPTURES):
        raise UnknownFormatError(f"{path} is a packet capture: make flows of it first, with nfpcapd, Zeek or Argus")
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
    for line in lines:
        if not line.startswith("#"):
            break
        key, _, value = line[1:].replace("\t", " ", 1).partition(" ")
        told.setdefault(key, value)
    if "fields" not in told:
        raise UnknownFormatError(f"{path} begins with a comment but has no #fields line: supported are {SUPPORTED}")
    separator = told.get("separator", "\\x09").strip().encode().decode("unicode_escape")
    columns = tuple(told["fields"].split(separator))
    log = told.get("path", "conn").strip()
    if log not in ZEEK_PATHS:
        raise UnknownFormatError(f"{path} is Zeek's {log}.log: only conn.log holds flows, take this file out")
    check_columns("zeek_tsv", columns, path)
    unset = (told.get("unset_field", "-").strip(), told.get("empty_field", "(empty)").strip())
    found = {"columns": columns, "separator": separator, "unset": unset, "is_interim": log == "open_conn"}
    return layout_of("zeek_tsv", source, path, **found)


def json_layout(lines: Sequence[str], source: SourceSettings, path: str) -> Layout:
    """Layout of JSON lines by the keys of the first objects."""
    objects = [found for line in lines[:JSON_LINES] if (found := json_object(line)) is not None]
    if not objects:
        raise UnknownFormatError(f"{path} begins like JSON lines, but its first line is no JSON object")
    keys = {key for found in objects for key in found}
    name = json_format(objects, keys, path)
    is_interim = name == "zeek_json" and objects[0].get("_path") == "open_conn"
    return layout_of(name, source, path, is_interim=is_interim)


def json_object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def json_format(objects: Sequence[dict[str, Any]], keys: set[str], path: str) -> str:
    """Name of the format by the keys that its objects hold."""
    if {"ts", "id.orig_h"} <= keys:
        log = objects[0].get("_path", "conn")
        if log not in ZEEK_PATHS or not keys & set(ZEEK_CONN_KEYS):
            raise UnknownFormatError(f"{path} is a Zeek log, but not conn.log: only that holds flows, take it out")
        return "zeek_json"
    for name, needed in (("suricata", {"event_type", "timestamp"}), ("goflow2", {"sampler_address", "src_addr"})):
        if needed <= keys and name in FORMATS:
            return name
    shown = ", ".join(sorted(keys)[:8])
    raise UnknownFormatError(f"{path} is JSON with keys {shown}: of no format this package reads ({SUPPORTED})")


def text_layout(lines: Sequence[str], source: SourceSettings, path: str) -> Layout:
    """Layout of separated text by its header line, or by the look of its first line where it has none."""
    header = lines[0] if lines else ""
    if is_bare_nfdump(header):
        return layout_of("nfdump_csv48", source, path, columns=COLUMNS_48)
    if is_bare_aws(header):
        return layout_of("aws_vpc", source, path, columns=COLUMNS_V2, separator=" ", unset=("-",))
    nearest: tuple[float, str, list[str]] = (0.0, "", [])
    for name, form in FORMATS.items():
        if form.is_json or name == "zeek_tsv":
            continue
        for separator in (",", "\t", ";", " "):
            columns = columns_of(header, separator, name)
            missing = missing_columns(name, columns)
            if not missing:
                unset = ("-",) if name == "aws_vpc" else ()
                found = {"columns": columns, "separator": separator, "header": header, "unset": unset}
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


def missing_columns(name: str, columns: Sequence[str]) -> list[str]:
    """Columns that the format needs and the header does not have."""
    form = FORMATS[name]
    missing = [column for column in form.required if column not in columns]
    return missing + [" or ".join(group) for group in form.needs_one_of if not set(group) & set(columns)]


def check_columns(name: str, columns: Sequence[str], path: str) -> None:
    missing = missing_columns(name, columns)
    if missing:
        raise UnknownFormatError(f"{path} looks like {name} but has no column {', '.join(missing)}")


def is_bare_nfdump(line: str) -> bool:
    """Whether a line is a record of nfdump's 48 columns: what ``nfdump -q`` prints has no header."""
    values = line.split(",")
    return len(values) == 48 and all(re.fullmatch(MAC, value) for value in values[27:31])


def is_bare_aws(line: str) -> bool:
    """Whether a line is a record of a VPC flow log of version 2: those in S3 and CloudWatch may have no header."""
    values = line.split(" ")
    return len(values) == len(COLUMNS_V2) and values[0] == "2" and values[-1] in ("OK", *NO_FLOW)
