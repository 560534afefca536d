"""The official IANA registries, read from their CSV files.

Sources: IANA "Service Name and Transport Protocol Port Number Registry" (RFC 6335) and "Protocol Numbers"
(RFC 5237), both CC0-1.0. Kept are the facts that a look-up needs; descriptions, people and references are not.
"""

import csv
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TextIO

from telflow.errors import RegistryError

TRANSPORTS = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132}
FIRST_USER_PORT = 1024
FIRST_DYNAMIC_PORT = 49152

SERVICE_COLUMNS = ("Service Name", "Port Number", "Transport Protocol", "Registration Date", "Modification Date")
PROTOCOL_COLUMNS = ("Decimal", "Keyword")

NUMBER_OR_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
ISO_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
NOT_A_KEYWORD = ("", "reserved", "unassigned")


@dataclass(frozen=True)
class Row:
    """A record of a registry file: its first line, counted from 1, and its fields by column name."""

    line: int
    fields: dict[str, str]


@dataclass(frozen=True)
class ServiceRecord:
    """A record of the service registry; what it leaves out is None."""

    name: str | None
    ports: tuple[int, int] | None
    protocol: int | None
    dates: tuple[str, ...]


@dataclass(frozen=True, order=True)
class ServiceFact:
    """What is registered for a run of ports of one protocol.

    Attributes:
        protocol: IANA protocol number.
        port_from: first port.
        port_to: last port.
        service: primary name, the first that the registry lists.
        aliases: its further names, in the registry's order.
        status: range of the ports: system (0 to 1023) or user (1024 to 49151).
    """

    protocol: int
    port_from: int
    port_to: int
    service: str
    aliases: tuple[str, ...]
    status: str


@dataclass(frozen=True, order=True)
class ProtocolFact:
    """A protocol number and its keyword in lower case, None where none is assigned."""

    number: int
    keyword: str | None


@dataclass(frozen=True)
class Registry:
    """Both registries at one time.

    Attributes:
        version: newest registration or modification date in the files; ISO 8601, a month where no day is given.
        services: facts by protocol and port, no port twice.
        protocols: facts by number, no number twice.
    """

    version: str
    services: tuple[ServiceFact, ...]
    protocols: tuple[ProtocolFact, ...]

    @property
    def by_port(self) -> dict[tuple[int, int], ServiceFact]:
        """The fact of each registered (protocol, port)."""
        return {
            (fact.protocol, port): fact for fact in self.services for port in range(fact.port_from, fact.port_to + 1)
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the facts, hex: the same whether neighbouring ports are one fact or several."""
        ports = sorted((*key, fact.service, fact.aliases) for key, fact in self.by_port.items())
        protocols = sorted((protocol.number, protocol.keyword or "") for protocol in self.protocols)
        return hashlib.sha256(json.dumps([ports, protocols]).encode()).hexdigest()

    @property
    def names(self) -> frozenset[str]:
        """Every name that a flow can be labelled with: primary service names and protocol keywords."""
        keywords = (protocol.keyword for protocol in self.protocols if protocol.keyword is not None)
        return frozenset([*(fact.service for fact in self.services), *keywords])


def read_registry(services: Path, protocols: Path) -> Registry:
    """The registries in IANA's CSV files.

    Args:
        services: ``service-names-port-numbers.csv``.
        protocols: ``protocol-numbers-1.csv``.

    Raises:
        RegistryError: a file is missing or is not that registry; it says which line, and what to do.
    """
    records = read_service_records(services)
    dates = [date for record in records for date in record.dates]
    facts = tuple(service_facts(records))
    if not facts or not dates:
        raise RegistryError(
            f"{services} registers no service with a port and a date: it is not the whole service registry; "
            "download service-names-port-numbers.csv from IANA again"
        )
    return Registry(max(dates), facts, tuple(read_protocols(protocols)))


def read_service_records(path: Path) -> list[ServiceRecord]:
    """All records of the service registry, those that register no port included."""
    return [service_record(path, row) for row in read_rows(path, SERVICE_COLUMNS)]


def service_record(path: Path, row: Row) -> ServiceRecord:
    name, ports, transport, *dates = (row.fields[column] for column in SERVICE_COLUMNS)
    if transport and transport.lower() not in TRANSPORTS:
        raise RegistryError(
            f"{path}, line {row.line}, column Transport Protocol: {transport!r} is none of {', '.join(TRANSPORTS)}; "
            "correct the file, or add the transport and its number to telflow.classify.registries.TRANSPORTS"
        )
    return ServiceRecord(
        name=name or None,
        ports=parse_range(ports, 65535, path, row, "Port Number") if ports else None,
        protocol=TRANSPORTS[transport.lower()] if transport else None,
        dates=tuple(date for date in dates if ISO_DATE.fullmatch(date)),
    )


def service_facts(records: Iterable[ServiceRecord]) -> Iterator[ServiceFact]:
    """Facts by protocol and port: equal neighbours are one fact, whether the registry lists them as a range or not.

    A record without a name says that a port is unassigned, reserved or de-registered. One without a transport is
    no key either: RFC 6335 registers a port with a transport, and the few old records that lack it do not tell which.
    """
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for record in records:
        if record.name is not None and record.ports is not None and record.protocol is not None:
            first, last = record.ports
            for port in range(first, last + 1):
                names[record.protocol, port].append(record.name)
    keys = [(protocol, port, tuple(dict.fromkeys(names[protocol, port]))) for protocol, port in sorted(names)]
    for (protocol, _, status, listed), run in groupby(enumerate(keys), key=neighbourhood):
        ports = [port for _, (_, port, _) in run]
        yield ServiceFact(protocol, ports[0], ports[-1], listed[0], listed[1:], status)


def neighbourhood(numbered: tuple[int, tuple[int, int, tuple[str, ...]]]) -> tuple[int, int, str, tuple[str, ...]]:
    """What ports that form one fact have in common; port less its place in the list is equal for neighbours."""
    place, (protocol, port, names) = numbered
    return protocol, port - place, "system" if port < FIRST_USER_PORT else "user", names


def read_protocols(path: Path) -> list[ProtocolFact]:
    """One fact for each number of the protocol registry, ranges such as ``148-252`` taken apart."""
    keywords: dict[int, str | None] = {}
    for row in read_rows(path, PROTOCOL_COLUMNS):
        first, last = parse_range(row.fields["Decimal"], 255, path, row, "Decimal")
        for number in range(first, last + 1):
            if number in keywords:
                raise RegistryError(
                    f"{path}, line {row.line}, column Decimal: protocol {number} stands there twice; "
                    "download protocol-numbers-1.csv from IANA again"
                )
            keywords[number] = parse_keyword(row.fields["Keyword"])
    return [ProtocolFact(number, keyword) for number, keyword in sorted(keywords.items())]


def parse_keyword(text: str) -> str | None:
    """A keyword in lower case, without a note in brackets such as ``(deprecated)``; None where there is none."""
    keyword = " ".join(re.sub(r"\([^)]*\)", " ", text).split()).lower()
    return None if keyword in NOT_A_KEYWORD else keyword


def parse_range(text: str, highest: int, path: Path, row: Row, column: str) -> tuple[int, int]:
    """First and last number of ``a`` or ``a-b``."""
    match = NUMBER_OR_RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last <= highest:
        raise RegistryError(
            f"{path}, line {row.line}, column {column}: {text!r} is no number or range within 0 to {highest}; "
            "correct it, or download the registry from IANA again"
        )
    return first, last


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Records of a CSV file with a header, found by column name; fields may hold commas, quotes and line breaks.

    Args:
        path: the file, UTF-8.
        columns: columns it must have, in any order and among any others.

    Raises:
        RegistryError: the file cannot be read, lacks a column or has no records.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(numbered_rows(file, path, columns))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RegistryError(f"{path} cannot be read as CSV ({error}): download it from IANA again") from error
    if not rows:
        raise RegistryError(f"{path} holds a header and no records: download it from IANA again")
    return rows


def numbered_rows(file: TextIO, path: Path, columns: Sequence[str]) -> Iterator[Row]:
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, [])]
    missing = [column for column in columns if column not in header]
    if missing:
        raise RegistryError(
            f"{path}, line 1: column {', '.join(missing)} is missing; it must be IANA's CSV with the "
            f"columns {', '.join(columns)}"
        )
    line = reader.line_num + 1
    for values in reader:
        if any(values):
            fields = dict.fromkeys(header, "") | dict(zip(header, map(str.strip, values), strict=False))
            yield Row(line, fields)
        line = reader.line_num + 1
