"""The exporter's word against the registry's."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.classify.categories import load_categories
from telflow.classify.labels import with_labels
from telflow.classify.reclassification import (
    ApplicationNames,
    agreement_share,
    largest_disagreements,
    load_application_names,
    reclassified,
)
from telflow.classify.shipped import load_shipped_registry
from telflow.classify.versions import protocols_frame, services_frame
from telflow.errors import ReviewedTableError
from telflow.tables import RECLASSIFICATION
from tests.classify.flow_rows import OBSERVED_DDL, flows_frame, zeek_day

NAMES = ApplicationNames(
    agrees_with=frozenset({("ssl", "https"), ("tls", "https"), ("dns", "domain"), ("enip", "ethernet-ip-1")}),
    no_finding=frozenset({"failed"}),
)


AGREEMENTS = [
    ("http", "http", "same"),
    ("HTTP", "http", "same"),
    ("ssl", "https", "same"),
    ("ssl", "http", "differs"),
    ("tls.youtube", "https", "same"),
    ("youtube.tls", "https", "same"),
    ("http,ssl", "https", "same"),
    ("enip", "EtherNet-IP-1", "same"),
    ("dns", "unassigned", "differs"),
    ("youtube", "https", "differs"),
    ("failed", "https", "unobserved"),
    ("failed,ssl", "https", "same"),
    (None, "https", "unobserved"),
    (" ", "https", "unobserved"),
]


def test_agreement(spark: SparkSession) -> None:
    flows = [{"observed_application": observed, "service": service} for observed, service, _ in AGREEMENTS]
    rows = reclassified(flows_frame(spark, flows), NAMES).collect()
    actual = {(row.observed_application, row.service): row.agreement for row in rows}
    expected = {((seen or "").strip().lower() or "none", service): agreement for seen, service, agreement in AGREEMENTS}
    assert actual == expected


def test_rows_are_of_the_declared_grain(spark: SparkSession) -> None:
    late = datetime(2024, 1, 2, tzinfo=UTC)
    flows = flows_frame(
        spark,
        [
            {"observed_application": "DNS", "service": "domain", "category": "dns", "dst_bytes": 11},
            {"observed_application": "dns", "service": "domain", "category": "dns"},
            {"observed_application": "dns", "service": "domain", "category": "dns", "start_time": late},
            {"observed_application": None, "service": "domain", "category": "dns"},
        ],
    )
    expected = spark.createDataFrame(
        [
            (date(2024, 1, 1), "dns", "domain", "dns", "none", "same", 2, 211),
            (date(2024, 1, 2), "dns", "domain", "dns", "none", "same", 1, 100),
            (date(2024, 1, 1), "none", "domain", "dns", "none", "unobserved", 1, 100),
        ],
        RECLASSIFICATION.schema,
    )
    assert_df_equality(
        reclassified(flows, NAMES), expected, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True
    )


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "", "http", "ssl", "failed"]),
            st.sampled_from(["http", "https", "dynamic"]),
            st.integers(0, 2**53),
            st.integers(0, 2**53),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_flows_and_bytes_are_all_there(spark: SparkSession, drawn: list[tuple[str | None, str, int, int]]) -> None:
    keys = ("observed_application", "service", "src_bytes", "dst_bytes")
    flows = flows_frame(spark, [dict(zip(keys, values, strict=True)) for values in drawn])
    rows = reclassified(flows, NAMES).collect()
    assert sum(row.flows for row in rows) == len(drawn)
    assert sum(row.bytes for row in rows) == sum(sent + received for _, _, sent, received in drawn)


@pytest.fixture
def compared(spark: SparkSession) -> DataFrame:
    day, other_day = date(2024, 1, 1), date(2024, 1, 2)
    return spark.createDataFrame(
        [
            (day, "http", "http", "web", "v", "same", 6, 600),
            (day, "http", "dynamic", "dynamic", "v", "differs", 1, 50),
            (other_day, "http", "dynamic", "dynamic", "v", "differs", 1, 60),
            (day, "ssh", "https", "web", "v", "differs", 2, 90),
            (day, "none", "https", "web", "v", "unobserved", 10, 200),
        ],
        RECLASSIFICATION.schema,
    )


def test_largest_disagreements(compared: DataFrame) -> None:
    rows = largest_disagreements(compared, 5).collect()
    assert [tuple(row) for row in rows] == [("http", "dynamic", 2, 110), ("ssh", "https", 2, 90)]
    assert [tuple(row) for row in largest_disagreements(compared, 1).collect()] == [("http", "dynamic", 2, 110)]


def test_agreement_share(compared: DataFrame) -> None:
    assert [tuple(row) for row in agreement_share(compared).collect()] == [(20, 1000, 0.5, 0.8, 0.6, 0.75)]
    by_name = {row[0]: tuple(row[1:]) for row in agreement_share(compared, ["observed_application"]).collect()}
    assert by_name["ssh"] == (2, 90, 1.0, 1.0, 0.0, 0.0)
    assert by_name["none"] == (10, 200, 0.0, 0.0, None, None)


def test_the_reviewed_names() -> None:
    names = load_application_names()
    assert {("ssl", "https"), ("tls", "https"), ("dns", "domain"), ("quic", "https")} <= names.agrees_with
    assert {"failed", "unknown"} <= names.no_finding
    assert not names.no_finding & {observed for observed, _ in names.agrees_with}


def test_a_service_that_is_not_registered_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "application_aliases.csv"
    path.write_text("observed_application,service\nssl,https\ntls,htps\n", encoding="utf-8")
    with pytest.raises(ReviewedTableError, match=r"line 3, column service: 'htps' is not known; did you mean 'https'"):
        load_application_names(str(path))


def test_zeek_and_the_registry_agree_on_a_real_day(spark: SparkSession, samples: Path) -> None:
    flows = spark.createDataFrame(list(zeek_day(samples)), OBSERVED_DDL).withColumn(
        "event_date", F.lit(date(2024, 4, 19))
    )
    registry = load_shipped_registry()
    services, protocols = services_frame(spark, registry), protocols_frame(spark, registry)
    labelled = with_labels(flows, services, protocols, load_categories().by_service, registry.version)
    rows = agreement_share(reclassified(labelled, load_application_names()), ["observed_application"]).collect()
    shares = {row.observed_application: (row.flows, row.same_flows_share) for row in rows}
    assert sum(flows for flows, _ in shares.values()) == 31_367
    for service in ("ssh", "http", "dns"):
        flows_named, share = shares[service]
        assert flows_named > 1_000
        assert share > 0.99, f"{service}: {share:.4f}"
