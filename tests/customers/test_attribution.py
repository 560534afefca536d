"""Who held an address when, and whose a flow is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession

from telflow.customers.attribution import customer_sides, lease_spans, with_customer
from telflow.tables import LEASE_SPANS, LEASES, SUBSCRIBERS

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
Lease = tuple[str, str, datetime, datetime | None]


def at(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


def spans_of(spark: SparkSession, leases: Sequence[Lease]) -> DataFrame:
    subscriber = ("ann", "fibre", "north", NOON.date(), None, None, True)
    subscribers = spark.createDataFrame([subscriber], SUBSCRIBERS.schema)
    return lease_spans(spark.createDataFrame(leases, LEASES.schema), subscribers)


def held(spark: SparkSession, leases: Sequence[Lease]) -> list[tuple[str, datetime, datetime]]:
    rows = spans_of(spark, leases).orderBy("valid_from").collect()
    return [(row.customer, row.valid_from.astimezone(UTC), row.valid_to.replace(tzinfo=UTC)) for row in rows]


def test_one_address_at_two_subscribers_in_one_day(spark: SparkSession) -> None:
    expected = spark.createDataFrame(
        [("ip_1", "ann", "fibre", "north", at(0), at(3)), ("ip_1", "bob", "none", "none", at(3), at(5))],
        LEASE_SPANS.schema,
    )
    actual = spans_of(spark, [("ip_1", "ann", at(0), at(3)), ("ip_1", "bob", at(3), at(5))])
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)


def test_of_overlapping_leases_the_newest_holds(spark: SparkSession) -> None:
    stale_end = [("ip_1", "ann", at(0), at(9)), ("ip_1", "bob", at(4), at(12))]
    assert held(spark, stale_end) == [("ann", at(0), at(4)), ("bob", at(4), at(9)), ("bob", at(9), at(12))]


def test_a_lease_within_another_gives_the_address_back(spark: SparkSession) -> None:
    within = [("ip_1", "ann", at(0), at(9)), ("ip_1", "bob", at(4), at(6))]
    assert held(spark, within) == [("ann", at(0), at(4)), ("bob", at(4), at(6)), ("ann", at(6), at(9))]


def test_an_open_lease_lasts_until_a_newer_one(spark: SparkSession) -> None:
    rows = spans_of(spark, [("ip_1", "ann", at(0), None), ("ip_1", "bob", at(4), None)]).collect()
    assert sorted((row.customer, row.valid_to.year) for row in rows) == [("ann", 2024), ("bob", 9999)]


def test_gaps_stay_gaps(spark: SparkSession) -> None:
    gap = [("ip_1", "ann", at(0), at(1)), ("ip_1", "bob", at(2), at(3))]
    assert held(spark, gap) == [("ann", at(0), at(1)), ("bob", at(2), at(3))]


lease = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 20), st.integers(1, 8))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lease, min_size=1, max_size=8))
def test_at_every_hour_the_newest_lease_holds(spark: SparkSession, drawn: list[tuple[str, int, int]]) -> None:
    leases = [("ip_1", customer, at(start), at(start + length)) for customer, start, length in drawn]
    spans = held(spark, leases)
    for hour in range(30):
        covering = [(start, customer) for _, customer, start, end in leases if start <= at(hour) < end]
        holders = [customer for customer, start, end in spans if start <= at(hour) < end]
        assert holders == ([max(covering)[1]] if covering else [])


def test_a_flow_belongs_to_who_held_its_address_when_it_began(spark: SparkSession) -> None:
    spans = spans_of(spark, [("ip_1", "ann", at(0), at(3)), ("ip_1", "bob", at(3), at(5))])
    flows = spark.createDataFrame(
        [("ip_1", at(0)), ("ip_1", at(3) - timedelta(microseconds=1)), ("ip_1", at(3)), ("ip_1", at(5)), (None, at(1))],
        "address string, start_time timestamp",
    )
    rows = with_customer(flows, spans).orderBy("start_time").collect()
    assert [(row.customer, row.customer_basis, row.plan) for row in rows if row.address is not None] == [
        ("ann", "lease", "fibre"),
        ("ann", "lease", "fibre"),
        ("bob", "lease", "none"),
        ("ip_1", "address", "none"),
    ]
    assert [row.customer for row in rows if row.address is None] == [None]


def test_without_leases_the_address_is_the_customer(spark: SparkSession) -> None:
    flows = spark.createDataFrame([("ip_1", at(0))], "address string, start_time timestamp")
    row = with_customer(flows, None, "source").collect()[0]
    assert (row.customer, row.customer_basis, row.plan, row.region) == ("ip_1", "source", "none", "none")


def test_a_flow_between_two_own_ends_counts_for_both(spark: SparkSession) -> None:
    flow = {
        "start_time": at(0),
        "end_time": at(1),
        "category": "web",
        "src_ip": "ip_1",
        "dst_ip": "ip_2",
        "src_mac": "mac_1",
        "dst_mac": "mac_2",
        "src_bytes": 10,
        "dst_bytes": 20,
        "src_packets": 1,
        "dst_packets": 2,
    }
    own = {"internal": (True, True), "outbound": (True, False), "inbound": (False, True), "transit": (False, False)}
    counted = {}
    for name, (is_src_own, is_dst_own) in own.items():
        flows = spark.createDataFrame([Row(**flow, is_src_own=is_src_own, is_dst_own=is_dst_own)])
        sides = customer_sides(flows).collect()
        counted[name] = sorted(
            (side.address, side.peer, side.input_mac, side.bytes_up, side.bytes_down) for side in sides
        )
    from_source, from_destination = ("ip_1", "ip_2", "mac_1", 10, 20), ("ip_2", "ip_1", "mac_2", 20, 10)
    assert counted == {
        "internal": [from_source, from_destination],
        "outbound": [from_source],
        "inbound": [from_destination],
        "transit": [],
    }
