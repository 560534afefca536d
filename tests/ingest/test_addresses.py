"""Addresses, MAC addresses and protocol names in their one spelling."""

import csv
import ipaddress
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telflow.ingest.addresses import PLAIN_IPV4, ipv4_pattern, mac_tokens, normalise_mac, resolve, resolve_ends
from telflow.ingest.protocols import protocol_number
from telflow.ingest.record import FLOW_SCHEMA, REJECT_SCHEMA, normalise_address
from telflow.tables import FLOWS
from tests.ingest.helpers import CONTEXT, OWN, TOKENIZER

ADDRESSES = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:0DB8:0000::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("02:00:00:00:00:01", None),
        ("", None),
    ],
)
def test_an_address_has_one_spelling(text: str, address: str | None) -> None:
    assert normalise_address(text) == address
    found, _ = resolve(pl.Series([text, None]), OWN)
    assert found.to_list() == [address, None]


@settings(deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=20), st.lists(ADDRESSES, max_size=4), st.integers(0, 32))
def test_own_addresses_are_those_inside_the_prefixes(addresses: list[str], bases: list[str], length: int) -> None:
    prefixes = [f"{base}/{length * 4 if ':' in base else length}" for base in [*bases, addresses[0]]]
    networks = [ipaddress.ip_network(prefix, strict=False) for prefix in prefixes]
    found, is_own = resolve(pl.Series(addresses), prefixes)
    assert found.to_list() == [normalise_address(address) for address in addresses]
    assert is_own.tolist() == [
        any(ipaddress.ip_address(address) in network for network in networks) for address in found.to_list()
    ]


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_networks_pattern_ends_where_the_network_does(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.IPv4Network((address, length), strict=False)
    pattern = re.compile(ipv4_pattern([network]))
    for edge in (network[0], network[-1]):
        assert pattern.match(str(edge))
    for outside in (int(network[0]) - 1, int(network[-1]) + 1):
        if 0 <= outside < 1 << 32:
            assert not pattern.match(str(ipaddress.IPv4Address(outside)))


@given(st.text(alphabet="0123456789.", max_size=16))
def test_the_plain_form_is_what_the_standard_library_reads(text: str) -> None:
    assert bool(re.match(PLAIN_IPV4, text)) == (normalise_address(text) == text)


def test_no_prefixes_no_own_side() -> None:
    _, is_own = resolve(pl.Series(["10.0.0.1", "::1"]), ())
    assert is_own.tolist() == [False, False]


def test_ends_are_tokens_on_the_own_side_only() -> None:
    sources = pl.Series(["10.0.0.1", "2001:db8:aa:0::7", "192.0.2.1", "nowhere", None], dtype=pl.String)
    ends = resolve_ends(sources, pl.Series(["192.0.2.1", "10.0.0.1", "192.0.2.1", "10.0.0.1", "10.0.0.1"]), CONTEXT)
    own = TOKENIZER.token("ip", "10.0.0.1")
    assert ends.src_ip.to_pylist() == [own, TOKENIZER.token("ip", "2001:db8:aa::7"), "192.0.2.1", None, None]
    assert ends.dst_ip.to_pylist() == ["192.0.2.1", own, "192.0.2.1", own, own]
    assert ends.is_src_own.to_list() == [True, True, False, False, False]
    assert ends.src_is_bad.to_list() == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        ("02:AB:00:00:00:01", "02:ab:00:00:00:01"),
        ("02-ab-00-00-00-01", "02:ab:00:00:00:01"),
        ("2:ab:0:0:0:1", "02:ab:00:00:00:01"),
        ("02ab.0000.0001", "02:ab:00:00:00:01"),
        ("02ab00000001", "02:ab:00:00:00:01"),
        ("00:00:00:00:00:00", None),
        ("none", None),
    ],
)
def test_a_mac_address_has_one_spelling(text: str, mac: str | None) -> None:
    assert normalise_mac(text) == mac
    token = None if mac is None else TOKENIZER.token("mac", mac)
    assert mac_tokens(pl.Series([text, None, text]), TOKENIZER).to_pylist() == [token, None, token]


def test_every_keyword_of_the_registry_is_known(samples: Path) -> None:
    with (samples / "iana/protocol-numbers-1.csv").open(encoding="utf-8", newline="") as file:
        registered = [row for row in csv.DictReader(file) if row["Decimal"].isdigit() and row["Keyword"]]
    keywords = {row["Keyword"].partition(" (")[0]: int(row["Decimal"]) for row in registered}
    del keywords["Reserved"]
    assert {keyword: protocol_number(keyword) for keyword in keywords} == keywords


@pytest.mark.parametrize(
    ("name", "number"), [("tcp", 6), (" UDP ", 17), ("ICMP6", 58), ("ospf", 89), ("47", 47), ("arp", None), ("", None)]
)
def test_protocols_are_numbers(name: str, number: int | None) -> None:
    assert protocol_number(name) == number


def test_the_schema_is_the_tables_without_run_and_labels() -> None:
    declared = [line.split()[0] for line in FLOWS.ddl.strip().splitlines()]
    unlabelled = declared[: declared.index("src_service")]
    assert FLOW_SCHEMA.names == [name for name in unlabelled if name != "ingest_run"]
    assert REJECT_SCHEMA.names == ["line", "reason", "raw"]
