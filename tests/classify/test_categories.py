"""The reviewed table: sound, complete enough for real traffic, and refused where it is not."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.classify.categories import load_categories
from telflow.classify.labels import with_labels
from telflow.classify.shipped import load_shipped_registry
from telflow.classify.versions import protocols_frame, services_frame
from telflow.errors import ReviewedTableError
from tests.classify.flow_rows import (
    OBSERVED_DDL,
    argus_records,
    nfdump_records,
    suricata_records,
    zeek_day,
)

HEADER = [
    "# version: 7",
    "# category: web = pages",
    "# category: other = the rest",
    "# category: unassigned = not registered",
    "# category: dynamic = dynamic ports",
    "service,category,note",
]
READERS = {
    "zeek": zeek_day,
    "nfdump": nfdump_records,
    "argus": argus_records,
    "suricata": suricata_records,
}


def write(tmp_path: Path, lines: Sequence[str]) -> str:
    path = tmp_path / "categories.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def real_flows(spark: SparkSession, samples: Path) -> DataFrame:
    rows = [(name, *record) for name, reader in READERS.items() for record in reader(samples)]
    flows = spark.createDataFrame(rows, f"sample string, {OBSERVED_DDL}")
    registry = load_shipped_registry()
    services, protocols = services_frame(spark, registry), protocols_frame(spark, registry)
    return with_labels(flows, services, protocols, load_categories().by_service, registry.version)


def test_categories_cover_the_bytes_of_real_traffic(real_flows: DataFrame) -> None:
    is_registered = ~F.col("category").isin("unassigned", "dynamic")
    volume = F.col("src_bytes") + F.col("dst_bytes")
    rows = (
        real_flows.where(is_registered)
        .groupBy("sample")
        .agg(
            F.sum(F.when(F.col("category") != "other", volume).otherwise(0)).alias("covered"),
            F.sum(volume).alias("all"),
        )
        .collect()
    )
    shares = {row["sample"]: row["covered"] / row["all"] for row in rows}
    assert set(shares) == set(READERS)
    assert min(shares.values()) >= 0.95, shares


@pytest.mark.parametrize(
    ("service", "category"),
    [
        ("https", "web"),
        ("http", "web"),
        ("ipsec-nat-t", "vpn & tunnelling"),
        ("l2f", "vpn & tunnelling"),
        ("tinc", "vpn & tunnelling"),
        ("gre", "vpn & tunnelling"),
        ("domain", "dns & naming"),
        ("ntp", "network infrastructure"),
        ("icmp", "icmp & control"),
    ],
)
def test_services_of_the_study_have_their_category(service: str, category: str) -> None:
    assert load_categories().by_service[service] == category


def test_every_declared_category_has_services() -> None:
    categories = load_categories()
    used = set(categories.by_service.values())
    assert used | {"other", "unassigned", "dynamic"} == set(categories.meanings)
    assert len(categories.by_service) > 300
    assert all(categories.meanings.values())


def test_a_sound_table_is_read(tmp_path: Path) -> None:
    categories = load_categories(
        write(tmp_path, [*HEADER, 'http,web,"a note, quoted"', "", "# a remark", "gre,other,"])
    )
    assert categories.version == "7"
    assert categories.by_service == {"http": "web", "gre": "other"}
    assert categories.meanings["web"] == "pages"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*HEADER, "http,web,", "http,other,"], "line 8, column service: 'http' stands there twice"),
        ([*HEADER, "http,wep,"], "line 7, column category: 'wep' is not known; did you mean 'web'"),
        ([*HEADER, "htttp,web,"], "line 7, column service: 'htttp' is not known; did you mean 'http'"),
        ([*HEADER, "http,web"], "line 7: 2 fields instead of 3"),
        ([*HEADER[:5], "service,kind"], "line 6: column category is missing"),
        ([], "line 1: column service, category is missing"),
        (HEADER[1:], "write its version once"),
        ([HEADER[0], *HEADER[2:3], HEADER[5]], "category unassigned, dynamic is not declared"),
    ],
)
def test_an_unsound_table_is_refused(tmp_path: Path, lines: Sequence[str], message: str) -> None:
    with pytest.raises(ReviewedTableError, match=message):
        load_categories(write(tmp_path, lines))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReviewedTableError, match=r"base/categories\.csv is missing"):
        load_categories(conf=tmp_path)


def test_names_of_another_registry_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, [*HEADER, "brand-new,web,"])
    assert load_categories(path, known_services={"brand-new"}).by_service == {"brand-new": "web"}
    with pytest.raises(ReviewedTableError, match="'brand-new' is not known"):
        load_categories(path)
