"""Labels under another registry version: what changes, and which days it concerns."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from telflow.classify.labels import with_labels
from telflow.classify.registries import ProtocolFact, Registry, ServiceFact
from telflow.classify.relabelling import (
    changed_days,
    compare_versions,
    days_to_rebuild,
    relabelled,
    service_changes,
)
from telflow.classify.versions import protocols_frame, services_frame
from tests.classify.flow_rows import flows_frame

ICMP = (ProtocolFact(1, "icmp"),)
OLD = Registry("2024-01-01", (ServiceFact(6, 80, 80, "http", (), "system"),), ICMP)
NEW = Registry("2025-01-01", (ServiceFact(6, 80, 81, "web", (), "system"),), ICMP)
CATEGORIES = {"http": "web", "web": "web"}
LATE = datetime(2024, 1, 1, 23, 59, tzinfo=UTC)
ROWS = [
    {"src_port": 50000, "dst_port": 80, "start_time": LATE, "end_time": LATE + timedelta(days=2)},
    {"src_port": 50000, "dst_port": 81, "dst_bytes": 5, "start_time": LATE, "end_time": LATE + timedelta(minutes=1)},
    {"src_port": 50000, "dst_port": 60000, "start_time": LATE + timedelta(days=9)},
]


def old_labels(spark: SparkSession, categories: Mapping[str, str]) -> Callable[[DataFrame], DataFrame]:
    """Labels of the older registry."""
    return partial(
        with_labels,
        services=services_frame(spark, OLD),
        protocols=protocols_frame(spark, OLD),
        categories=categories,
        registry_version=OLD.version,
    )


def test_versions_are_compared_by_service(spark: SparkSession) -> None:
    services = services_frame(spark, OLD).union(services_frame(spark, NEW))
    protocols = protocols_frame(spark, OLD).union(protocols_frame(spark, NEW))
    changes = compare_versions(
        flows_frame(spark, ROWS), services, protocols, CATEGORIES, before="2024-01-01", after="2025-01-01"
    )
    assert sorted(tuple(row) for row in changes.collect()) == [
        ("http", "web", "web", "web", 1, 100),
        ("unassigned", "web", "unassigned", "web", 1, 105),
    ]


def test_changed_days_are_told_with_the_days_their_flows_lasted_into(spark: SparkSession) -> None:
    flows = old_labels(spark, CATEGORIES)(flows_frame(spark, ROWS))
    again = relabelled(flows, old_labels(spark, CATEGORIES))
    assert changed_days(again) == {}
    assert service_changes(again).collect() == []

    recategorised = relabelled(flows, old_labels(spark, {"http": "browsing"}))
    assert changed_days(recategorised) == {date(2024, 1, 1): date(2024, 1, 3)}
    assert [tuple(row) for row in service_changes(recategorised).collect()] == [
        ("http", "http", "web", "browsing", 1, 100)
    ]


def test_a_flow_that_ends_at_midnight_does_not_touch_the_next_day(spark: SparkSession) -> None:
    flows = flows_frame(spark, [ROWS[1]])  # ends at 00:00:00 sharp
    again = relabelled(flows, old_labels(spark, CATEGORIES))
    assert changed_days(again) == {date(2024, 1, 1): date(2024, 1, 1)}


def test_days_to_rebuild_are_whole_spans_once() -> None:
    changed = {date(2024, 2, 28): date(2024, 3, 1), date(2024, 3, 1): date(2024, 3, 1)}
    assert days_to_rebuild(changed) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert days_to_rebuild({}) == []
