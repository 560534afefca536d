"""Which end is the server, rule by rule, and a plan that stays cheap."""

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from telflow.classify.labels import LABELS, SERVICE_BASES, with_labels
from telflow.classify.registries import ProtocolFact, Registry, ServiceFact
from telflow.classify.versions import protocols_frame, services_frame
from tests.classify.flow_rows import flows_frame

REGISTRY = Registry(
    "2024-01-01",
    (
        ServiceFact(6, 22, 22, "ssh", (), "system"),
        ServiceFact(6, 443, 443, "https", (), "system"),
        ServiceFact(6, 1023, 1023, "edge", (), "system"),
        ServiceFact(6, 1024, 1024, "first-user", (), "user"),
        ServiceFact(6, 3306, 3306, "mysql", (), "user"),
        ServiceFact(6, 8080, 8080, "http-alt", (), "user"),
        ServiceFact(17, 53, 53, "domain", (), "system"),
        ServiceFact(17, 443, 443, "https", (), "system"),
        ServiceFact(132, 443, 443, "https", (), "system"),
    ),
    (ProtocolFact(1, "icmp"), ProtocolFact(6, "tcp"), ProtocolFact(47, "gre"), ProtocolFact(200, None)),
)
CATEGORIES = {"https": "web", "mysql": "databases", "gre": "vpn", "not-registered": "web"}
FLOW_DDL = "number int, protocol int, src_port int, dst_port int, initiator string"


class Flow(NamedTuple):
    """The columns that the rules look at."""

    protocol: int
    src_port: int | None
    dst_port: int | None
    initiator: str | None = None


class Label(NamedTuple):
    """What the rules conclude."""

    service: str
    service_basis: str
    port_class: str


def labelled(spark: SparkSession, flows: list[Flow], version: str = "2024-01-01") -> DataFrame:
    frame = spark.createDataFrame([(number, *flow) for number, flow in enumerate(flows)], FLOW_DDL)
    other = Registry("2020-01-01", (ServiceFact(6, 22, 22, "wrong version", (), "system"),), (ProtocolFact(1, "x"),))
    services = services_frame(spark, REGISTRY).union(services_frame(spark, other))
    protocols = protocols_frame(spark, REGISTRY).union(protocols_frame(spark, other))
    return with_labels(frame, services, protocols, CATEGORIES, version).orderBy("number")


CASES = [
    # rule 1: the responder's port, registered or not
    (Flow(6, 50000, 443, "src"), Label("https", "initiator", "system")),
    (Flow(6, 443, 50000, "dst"), Label("https", "initiator", "system")),
    (Flow(6, 22, 3306, "src"), Label("mysql", "initiator", "user")),
    (Flow(6, 443, 49151, "src"), Label("unassigned", "initiator", "user")),
    (Flow(6, 443, 49152, "src"), Label("dynamic", "initiator", "dynamic")),
    (Flow(6, 443, None, "src"), Label("https", "only_registered_end", "system")),
    # rule 2: the only registered end
    (Flow(6, 50000, 443), Label("https", "only_registered_end", "system")),
    (Flow(6, 443, 50000), Label("https", "only_registered_end", "system")),
    (Flow(6, 5, 3306), Label("mysql", "only_registered_end", "user")),
    (Flow(6, None, 3306), Label("mysql", "only_registered_end", "user")),
    # rule 3: a system port, then the lower port, then the destination
    (Flow(6, 1023, 1024), Label("edge", "system_port", "system")),
    (Flow(6, 8080, 443), Label("https", "system_port", "system")),
    (Flow(6, 22, 443), Label("ssh", "lower_port", "system")),
    (Flow(6, 8080, 1024), Label("first-user", "lower_port", "user")),
    (Flow(17, 53, 53), Label("domain", "destination", "system")),
    # rule 4: neither is registered
    (Flow(6, 49151, 49152), Label("unassigned", "unassigned", "user")),
    (Flow(6, 60000, 1022), Label("unassigned", "unassigned", "system")),
    (Flow(6, 49152, 65535), Label("dynamic", "dynamic", "dynamic")),
    (Flow(6, None, 5), Label("unassigned", "unassigned", "system")),
    (Flow(17, 22, 50000), Label("unassigned", "unassigned", "system")),
    # rule 5: no ports
    (Flow(1, None, None), Label("icmp", "protocol", "none")),
    (Flow(1, 22, 443, "src"), Label("icmp", "protocol", "none")),
    (Flow(47, None, None), Label("gre", "protocol", "none")),
    (Flow(6, None, None, "src"), Label("tcp", "protocol", "none")),
    (Flow(200, None, None), Label("unassigned", "protocol", "none")),
    (Flow(99, None, None), Label("unassigned", "protocol", "none")),
    # QUIC and SCTP stay what the registry says
    (Flow(17, 50000, 443), Label("https", "only_registered_end", "system")),
    (Flow(132, 50000, 443), Label("https", "only_registered_end", "system")),
]


def test_rules(spark: SparkSession) -> None:
    rows = labelled(spark, [flow for flow, _ in CASES]).collect()
    actual = [
        (flow, Label(row.service, row.service_basis, row.port_class))
        for (flow, _), row in zip(CASES, rows, strict=True)
    ]
    assert actual == CASES
    assert {label.service_basis for _, label in CASES} == set(SERVICE_BASES)


def test_both_ends_are_labelled_and_categories_follow_the_service(spark: SparkSession) -> None:
    flows = [
        Flow(6, 443, 3306),
        Flow(6, 22, 50000),
        Flow(47, None, None),
        Flow(6, 50000, 50001),
        Flow(6, 50000, 5),
        Flow(1, 443, 443),
    ]
    rows = labelled(spark, flows).collect()
    assert [(row.src_service, row.dst_service, row.category) for row in rows] == [
        ("https", "mysql", "web"),
        ("ssh", None, "other"),
        (None, None, "vpn"),
        (None, None, "dynamic"),
        (None, None, "unassigned"),
        (None, None, "other"),
    ]
    assert {row.registry_version for row in rows} == {"2024-01-01"}


def test_another_version_labels_otherwise(spark: SparkSession) -> None:
    flows = [Flow(6, 50000, 22), Flow(6, 50000, 443), Flow(1, None, None)]
    rows = labelled(spark, flows, "2020-01-01").collect()
    assert [row.service for row in rows] == ["wrong version", "unassigned", "x"]


def test_earlier_labels_are_replaced_and_rows_stay(spark: SparkSession) -> None:
    flows = flows_frame(spark, [{"src_port": 50000, "dst_port": 443, "service": "old"}, {"protocol": 1}, {}])
    services, protocols = services_frame(spark, REGISTRY), protocols_frame(spark, REGISTRY)
    once = with_labels(flows, services, protocols, CATEGORIES, "2024-01-01")
    twice = with_labels(once, services, protocols, CATEGORIES, "2024-01-01")
    assert sorted(once.columns) == sorted(flows.columns)
    assert tuple(once.columns[-len(LABELS) :]) == LABELS
    assert [row.service for row in once.orderBy("flow_id").collect()] == ["https", "icmp", "tcp"]
    assert once.orderBy("flow_id").collect() == twice.orderBy("flow_id").collect()


def test_no_categories_at_all(spark: SparkSession) -> None:
    flows = spark.createDataFrame([(0, 6, 50000, 443, None)], FLOW_DDL)
    rows = with_labels(flows, services_frame(spark, REGISTRY), protocols_frame(spark, REGISTRY), {}, "2024-01-01")
    assert [row.category for row in rows.collect()] == ["other"]


def expected_label(flow: Flow) -> Label:
    """The rules of design.md, written as a person would check them."""
    names = {key: fact.service for key, fact in REGISTRY.by_port.items()}
    keywords = {fact.number: fact.keyword for fact in REGISTRY.protocols}
    src, dst = flow.src_port, flow.dst_port
    if flow.protocol not in {6, 17, 33, 132} or src is None or dst is None:
        return Label(keywords.get(flow.protocol) or "unassigned", "protocol", "none")
    src_name, dst_name = names.get((flow.protocol, src)), names.get((flow.protocol, dst))
    if flow.initiator is not None:
        server, basis = (dst if flow.initiator == "src" else src), "initiator"
    elif src_name and dst_name:
        same_range = (src < 1024) == (dst < 1024)
        server = min(src, dst)
        basis = "destination" if src == dst else "lower_port" if same_range else "system_port"
    elif src_name or dst_name:
        server, basis = (src if src_name else dst), "only_registered_end"
    else:
        server = min(src, dst)
        basis = "dynamic" if server >= 49152 else "unassigned"
    service = names.get((flow.protocol, server)) or ("dynamic" if server >= 49152 else "unassigned")
    return Label(service, basis, "system" if server < 1024 else "user" if server < 49152 else "dynamic")


ports = st.sampled_from([0, 22, 53, 443, 1023, 1024, 3306, 8080, 49151, 49152, 65535])
flow = st.builds(
    Flow,
    protocol=st.sampled_from([6, 17, 33, 132]),
    src_port=ports,
    dst_port=ports,
    initiator=st.sampled_from([None, "src", "dst"]),
) | st.builds(Flow, protocol=st.sampled_from([1, 47, 200]), src_port=st.none(), dst_port=st.none())


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(flow, min_size=1, max_size=200))
def test_rules_hold_for_any_flow(spark: SparkSession, drawn: list[Flow]) -> None:
    rows = labelled(spark, drawn).collect()
    actual = [Label(row.service, row.service_basis, row.port_class) for row in rows]
    assert actual == [expected_label(flow) for flow in drawn]


@pytest.fixture
def plan(spark: SparkSession) -> str:
    flows = flows_frame(spark, [{"src_port": 50000, "dst_port": 443}])
    frame = with_labels(
        flows, services_frame(spark, REGISTRY), protocols_frame(spark, REGISTRY), CATEGORIES, "2024-01-01"
    )
    frame.collect()
    return str(frame._jdf.queryExecution().executedPlan().toString())


def test_both_look_ups_are_broadcast_on_a_long(plan: str) -> None:
    joins = [line for line in plan.splitlines() if "Join" in line]
    assert sum("BroadcastHashJoin [_src_key" in line for line in joins) >= 1
    assert sum("BroadcastHashJoin [_dst_key" in line for line in joins) >= 1
    assert all("BroadcastHashJoin" in line for line in joins)
    assert "HashedRelationBroadcastMode(List(input[0, bigint" in plan


def test_no_shuffle_no_python(plan: str) -> None:
    assert "hashpartitioning" not in plan
    assert "Python" not in plan
