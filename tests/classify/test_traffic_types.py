"""Ports and services of both ends, and networks outside: what stands in a row, and that nothing gets lost."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.classify.traffic_types import remote_networks, traffic_types
from telflow.prefixes import prefix_of
from telflow.tables import LEASE_SPANS, REMOTE_NETWORKS, TRAFFIC_TYPES
from tests.classify.flow_rows import flows_frame

DAY = date(2024, 1, 1)
HTTPS = {"service": "https", "category": "web"}
TO_HTTPS = {"src_port": 50_000, "dst_port": 443, "dst_service": "https", **HTTPS}
SPANS = [("ip_a", "sub_1"), ("ip_b", "sub_1"), ("ip_c", "sub_2")]


def spans_frame(spark: SparkSession) -> DataFrame:
    begins, ends = datetime(2023, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    rows = [(address, customer, "basic", "metro", begins, ends) for address, customer in SPANS]
    return spark.createDataFrame(rows, LEASE_SPANS.schema)


def types(spark: SparkSession, flows: list[dict[str, Any]], *, by_lease: bool = True) -> list[tuple[Any, ...]]:
    """Rows as tuples without day and protocol, sorted."""
    found = traffic_types(flows_frame(spark, flows), spans_frame(spark) if by_lease else None)
    assert found.columns == TRAFFIC_TYPES.columns
    return sorted((tuple(row)[1:3] + tuple(row)[4:] for row in found.collect()), key=str)


PORTS = [
    # source, destination, initiator, then for each end: is_server, port and service
    ((50_000, None), (443, "https"), None, (False, None, "dynamic"), (True, 443, "https")),
    ((443, "https"), (50_000, None), None, (True, 443, "https"), (False, None, "dynamic")),
    ((33_000, None), (443, "https"), None, (False, None, "unassigned"), (True, 443, "https")),
    ((123, "ntp"), (123, "ntp"), None, (False, 123, "ntp"), (True, 123, "ntp")),
    ((40_000, None), (41_000, None), None, (True, 40_000, "unassigned"), (False, 41_000, "unassigned")),
    ((49_151, None), (49_152, None), None, (True, 49_151, "unassigned"), (False, None, "dynamic")),
    ((60_000, None), (50_000, None), None, (False, None, "dynamic"), (True, None, "dynamic")),
    ((443, "https"), (40_000, None), "src", (False, 443, "https"), (True, 40_000, "unassigned")),
]


@pytest.mark.parametrize(("src", "dst", "initiator", "at_src", "at_dst"), PORTS)
def test_each_end_stands_with_its_port_and_service(
    *,
    src: tuple[int, str | None],
    dst: tuple[int, str | None],
    initiator: str | None,
    at_src: tuple[bool, int | None, str],
    at_dst: tuple[bool, int | None, str],
    spark: SparkSession,
) -> None:
    service = (at_src if at_src[0] else at_dst)[2]
    flow = {"src_port": src[0], "src_service": src[1], "dst_port": dst[0], "dst_service": dst[1], "service": service,
            "initiator": initiator, "category": "any"}  # fmt: skip
    assert types(spark, [flow]) == [
        ("dst", *at_dst, "any", 1, 1, 100),
        ("src", *at_src, "any", 1, 1, 100),
    ]


def test_a_protocol_without_ports_has_its_name_at_both_ends(spark: SparkSession) -> None:
    flow = {"protocol": 1, "service": "icmp", "category": "control"}
    assert types(spark, [flow]) == [
        ("dst", True, None, "icmp", "control", 1, 1, 100),
        ("src", False, None, "icmp", "control", 1, 1, 100),
    ]


def test_a_customer_counts_once_and_whoever_is_told_least_counts_at_least(spark: SparkSession) -> None:
    flows = [
        {"src_ip": "ip_a", **TO_HTTPS}, {"src_ip": "ip_b", **TO_HTTPS}, {"src_ip": "ip_c", **TO_HTTPS},
        {"src_ip": "ip_free", **TO_HTTPS},
        {"src_ip": "192.0.2.8", "is_src_own": False, **TO_HTTPS},
    ]  # fmt: skip
    assert types(spark, flows)[0] == ("dst", True, 443, "https", "web", 2, 5, 500)
    assert types(spark, flows, by_lease=False)[0] == ("dst", True, 443, "https", "web", 4, 5, 500)
    assert types(spark, flows[4:])[0] == ("dst", True, 443, "https", "web", 0, 1, 100)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ip_a", "ip_b", "ip_c", "ip_d"]),
            st.sampled_from([None, 53, 443, 40_000, 60_000]),
            st.sampled_from([None, 53, 443, 40_000, 60_000]),
            st.sampled_from([None, "src", "dst"]),
            st.integers(0, 2**53),
            st.sampled_from(["192.0.2.1", "198.51.100.9", "2001:db8::1", "ip_b"]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_flows_and_bytes_are_all_there_at_either_end_and_once_at_servers(
    spark: SparkSession, drawn: list[tuple[Any, ...]]
) -> None:
    keys = ("src_ip", "src_port", "dst_port", "initiator", "src_bytes", "dst_ip")
    names = {53: "domain", 443: "https"}
    rows: list[dict[str, Any]] = []
    for values in drawn:
        row: dict[str, Any] = dict(zip(keys, values, strict=True))
        ends = {f"{end}_service": names.get(row[f"{end}_port"]) for end in ("src", "dst")}
        rows.append({**row, **ends, "is_dst_own": row["dst_ip"] == "ip_b"})
    flows = flows_frame(spark, rows)
    found = traffic_types(flows, spans_frame(spark))
    wanted = (len(drawn), sum(values[4] for values in drawn))
    for condition in ("flow_end = 'src'", "flow_end = 'dst'", "is_server"):
        assert tuple(found.where(condition).agg(F.sum("flows"), F.sum("bytes")).collect()[0]) == wanted
    outside = [values for values in drawn if values[5] != "ip_b"]
    networks = remote_networks(flows, spans_frame(spark)).agg(F.sum("flows"), F.sum("bytes")).collect()[0]
    assert (networks[0] or 0, networks[1] or 0) == (len(outside), sum(values[4] for values in outside))


def test_a_network_is_named_from_two_customers_on(spark: SparkSession) -> None:
    flows: list[dict[str, Any]] = [
        {"src_ip": "ip_a", "dst_ip": "192.0.2.1"},
        {"src_ip": "192.0.2.200", "dst_ip": "ip_c", "is_src_own": False, "is_dst_own": True},
        {"src_ip": "ip_a", "dst_ip": "198.51.100.1"},
        {"src_ip": "ip_b", "dst_ip": "198.51.100.2"},  # the same customer
        {"src_ip": "ip_c", "dst_ip": "2001:db8::1"},
        {"src_ip": "ip_a", "dst_ip": "ip_c", "is_dst_own": True},  # inside
        {"src_ip": "203.0.113.1", "dst_ip": "203.0.113.2", "is_src_own": False},  # transit
        {"src_ip": "ip_c", "dst_ip": "192.0.2.1", "start_time": datetime(2024, 1, 2, tzinfo=UTC)},
    ]
    found = remote_networks(flows_frame(spark, flows), spans_frame(spark))
    assert found.columns == REMOTE_NETWORKS.columns
    assert sorted(tuple(row) for row in found.collect()) == [
        (DAY, "192.0.2.0/24", 2, 2, 200),
        (DAY, "others", None, 3, 300),
        (date(2024, 1, 2), "others", None, 1, 100),
    ]


@pytest.mark.parametrize(
    ("address", "prefix"),
    [("203.0.113.9", "203.0.113.0/24"), ("2001:db8:5:1:2:3:4:5", "2001:db8:5::/48"), ("2001:db8::1", "2001:db8::/48"),
     ("2001:db8:0:1:2:3:4:5", "2001:db8::/48"), ("2001::5", "2001::/48"), ("::1", "::/48")],
)  # fmt: skip
def test_spark_cuts_addresses_as_the_dashboard_does(address: str, prefix: str, spark: SparkSession) -> None:
    assert spark.range(1).select(F.expr(prefix_of(f"'{address}'"))).collect()[0][0] == prefix
