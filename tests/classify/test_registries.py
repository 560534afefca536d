"""The parsers against the official files, trap by trap, and against files that are not registries."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telflow.classify.registries import (
    PROTOCOL_COLUMNS,
    SERVICE_COLUMNS,
    ProtocolFact,
    Registry,
    ServiceFact,
    ServiceRecord,
    parse_keyword,
    read_protocols,
    read_registry,
    read_rows,
    read_service_records,
    service_facts,
)
from telflow.errors import RegistryError

HEADER = "Service Name,Port Number,Transport Protocol,Description,Registration Date,Modification Date"


@pytest.fixture(scope="module")
def services_file(samples: Path) -> Path:
    return samples / "iana/service-names-port-numbers.csv"


@pytest.fixture(scope="module")
def records(services_file: Path) -> list[ServiceRecord]:
    return read_service_records(services_file)


@pytest.fixture(scope="module")
def registry(samples: Path, services_file: Path) -> Registry:
    return read_registry(services_file, samples / "iana/protocol-numbers-1.csv")


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_line_breaks_inside_fields_keep_a_record_whole(services_file: Path) -> None:
    rows = read_rows(services_file, SERVICE_COLUMNS)
    assert len(rows) == 14_499
    assert sum(any("\n" in value for value in row.fields.values()) for row in rows) == 444
    assert rows[-1].line <= 15_368
    assert all(above.line < below.line for above, below in pairwise(rows))


def test_counts_of_the_official_file(records: list[ServiceRecord]) -> None:
    with_port = [record for record in records if record.ports is not None]
    assert sum(record.name is None for record in with_port) == 1_720
    assert sum(record.protocol is None for record in with_port) == 883
    assert len(records) - len(with_port) == 1_055


def test_ranges_of_the_official_file(services_file: Path, records: list[ServiceRecord]) -> None:
    written = [row.fields["Port Number"] for row in read_rows(services_file, SERVICE_COLUMNS)]
    assert sum("-" in ports for ports in written) == 762
    pairs = [record.ports for record in records if record.ports is not None]
    assert sum(first != last for first, last in pairs) == 756  # six are written as ranges of one port


def test_the_first_name_of_a_port_is_primary(registry: Registry) -> None:
    assert sum(bool(fact.aliases) for fact in registry.by_port.values()) == 226
    http = registry.by_port[6, 80]
    assert (http.service, http.aliases) == ("http", ("www", "www-http"))


def test_named_ranges_are_taken_whole(registry: Registry) -> None:
    ports = {port for (protocol, port), fact in registry.by_port.items() if (protocol, fact.service) == (6, "x11")}
    assert ports == set(range(6000, 6064))


def test_the_version_is_the_newest_entry(registry: Registry) -> None:
    assert registry.version == "2026-02-13"


def test_no_dynamic_port_is_registered(registry: Registry) -> None:
    assert max(port for _, port in registry.by_port) < 49_152
    assert {fact.protocol for fact in registry.services} == {6, 17, 33, 132}


def test_protocols_of_the_official_file(samples: Path) -> None:
    path = samples / "iana/protocol-numbers-1.csv"
    assert len(read_rows(path, PROTOCOL_COLUMNS)) == 152
    keywords = {fact.number: fact.keyword for fact in read_protocols(path)}
    assert sorted(keywords) == list(range(256))
    assert [keywords[number] for number in (1, 6, 17, 47, 50, 58, 56)] == [
        "icmp",
        "tcp",
        "udp",
        "gre",
        "esp",
        "ipv6-icmp",
        "tlsp",
    ]
    assert (keywords[13], keywords[124]) == ("argus", "isis over ipv4")
    assert keywords[147] is not None
    assert {keywords[number] for number in (61, *range(148, 256))} == {None}


@pytest.mark.parametrize("eleventh", ["Unauthorized Use Reported", "Known Unauthorized Uses"])
def test_columns_are_found_by_name(tmp_path: Path, eleventh: str) -> None:
    path = write(
        tmp_path / "services.csv",
        f"{eleventh},Modification Date,Port Number,Service Name,Registration Date,Transport Protocol",
        ",2024-05-06,7-8,echo,2001-02,TCP",
        encoding="utf-8-sig",
    )
    assert read_service_records(path) == [ServiceRecord("echo", (7, 8), 6, ("2001-02", "2024-05-06"))]


def test_a_digest_tells_facts_apart_and_nothing_else() -> None:
    one = Registry("2024-01-01", (ServiceFact(6, 1, 2, "a", (), "system"),), (ProtocolFact(1, "icmp"),))
    facts = (ServiceFact(6, 2, 2, "a", (), "system"), ServiceFact(6, 1, 1, "a", (), "system"))
    assert one.digest == Registry("2025-01-01", facts, one.protocols).digest
    assert one.digest != Registry("2024-01-01", facts[:1], one.protocols).digest
    assert one.digest != Registry("2024-01-01", one.services, (ProtocolFact(1, None),)).digest


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("ARGUS (deprecated)", "argus"),
        ("Mobility  Header", "mobility header"),
        ("A/N", "a/n"),
        ("", None),
        ("Reserved", None),
    ],
)
def test_keywords(text: str, keyword: str | None) -> None:
    assert parse_keyword(text) == keyword


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Service Name,Port Number"], "line 1: column Transport Protocol, Registration Date.* is missing"),
        ([HEADER], "holds a header and no records"),
        ([HEADER, 'echo,7,tcp,"two', 'lines",,', "x,70000,tcp,,,"], "line 4, column Port Number: '70000'"),
        ([HEADER, "x,9-7,tcp,,,"], "line 2, column Port Number: '9-7'"),
        ([HEADER, "x,seven,tcp,,,"], "line 2, column Port Number: 'seven'"),
        ([HEADER, "x,7,quic,,,"], "line 2, column Transport Protocol: 'quic'"),
        ([HEADER, ",7,tcp,Reserved,,2024-01-01"], "registers no service"),
        ([HEADER, 'echo,7,tcp,"never closed,,'], "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_service_registry_is_refused(tmp_path: Path, lines: Sequence[str], message: str) -> None:
    path = write(tmp_path / "services.csv", *lines)
    with pytest.raises(RegistryError, match=message):
        read_registry(path, tmp_path / "protocols.csv")


def test_the_last_port_is_65535(tmp_path: Path) -> None:
    path = write(tmp_path / "services.csv", HEADER, "x,65535,tcp,,,2024-01-01")
    assert read_service_records(path)[0].ports == (65535, 65535)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Decimal,Keyword", "6,TCP", "5-7,X"], "line 3, column Decimal: protocol 6 stands there twice"),
        (["Decimal,Keyword", "256,X"], "line 2, column Decimal: '256'"),
        ([HEADER, "echo,7,tcp,,,"], "column Decimal, Keyword is missing"),
    ],
)
def test_a_file_that_is_no_protocol_registry_is_refused(tmp_path: Path, lines: Sequence[str], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        read_protocols(write(tmp_path / "protocols.csv", *lines))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"gone\.csv cannot be read"):
        read_protocols(tmp_path / "gone.csv")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "services.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegistryError, match="cannot be read as CSV"):
        read_service_records(path)


record = st.builds(
    ServiceRecord,
    name=st.sampled_from([None, "a", "b"]),
    ports=st.none() | st.tuples(st.integers(1019, 1023), st.integers(1023, 1027)),
    protocol=st.sampled_from([None, 6, 17]),
    dates=st.just(()),
)


@given(st.lists(record, max_size=8))
def test_facts_hold_each_named_port_once_under_its_first_name(drawn: list[ServiceRecord]) -> None:
    expected: dict[tuple[int, int], str] = {}
    for entry in drawn:
        if entry.name and entry.ports and entry.protocol:
            for port in range(entry.ports[0], entry.ports[1] + 1):
                expected.setdefault((entry.protocol, port), entry.name)
    facts = tuple(service_facts(drawn))
    covered = [(fact.protocol, port) for fact in facts for port in range(fact.port_from, fact.port_to + 1)]
    assert len(covered) == len(set(covered))
    assert {key: fact.service for key, fact in Registry("", facts, ()).by_port.items()} == expected
    assert all((fact.status == "system") == (fact.port_to < 1024) for fact in facts)
    assert all(fact.service not in fact.aliases for fact in facts)
