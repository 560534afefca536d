"""The provider's files: tokens instead of names, changes only, and every fault told with its place."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.customers.provider import load_provider
from telflow.errors import InputError
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.tables import CHURN_EVENTS, LEASE_SPANS, LEASES, SUBSCRIBERS

SUBSCRIBER_LINES = [
    "region,subscriber_id,plan,signup_date,contract,payment,marketing_consent",
    "north,S1,fibre,2023-01-01,two-year,card,true",
    "south, S2 ,copper,2023-02-01,,,false",
]
LEASE_LINES = [
    "subscriber_id,address,valid_from,valid_to",
    "S1,10.0.0.1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z",
    "S2,2001:DB8:0::1,2024-01-01T00:00:00+01:00,",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "provider").mkdir()
    write(tmp_path / "provider", "subscribers.csv", SUBSCRIBER_LINES)
    write(tmp_path / "provider", "leases.csv", LEASE_LINES)
    return tmp_path / "provider"


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


def write(folder: Path, name: str, lines: list[str]) -> None:
    (folder / name).write_text("\n".join(lines) + "\n")


def test_people_and_addresses_are_tokens(lake: Lake, folder: Path, tokenizer: Tokenizer) -> None:
    assert load_provider(lake, folder, tokenizer) == ["subscribers", "leases"]
    people = {row.customer: (row.plan, row.signup_date) for row in lake.read(SUBSCRIBERS).collect()}
    assert people == {
        tokenizer.token("sub", "S1"): ("fibre", date(2023, 1, 1)),
        tokenizer.token("sub", "S2"): ("copper", date(2023, 2, 1)),
    }
    leases = lake.read(LEASES).selectExpr("address", "customer", "string(valid_from)", "string(valid_to)").collect()
    assert {tuple(row) for row in leases} == {
        (tokenizer.token("ip", "10.0.0.1"), tokenizer.token("sub", "S1"), "2024-01-01 00:00:00", "2024-01-02 00:00:00"),
        (tokenizer.token("ip", "2001:db8::1"), tokenizer.token("sub", "S2"), "2023-12-31 23:00:00", None),
    }
    assert lake.read(LEASE_SPANS).count() == 2


def test_a_second_delivery_of_the_same_changes_nothing(lake: Lake, folder: Path, tokenizer: Tokenizer) -> None:
    load_provider(lake, folder, tokenizer)
    versions = [lake.version(table) for table in (SUBSCRIBERS, LEASES, LEASE_SPANS)]
    assert load_provider(lake, folder, tokenizer) == []
    assert [lake.version(table) for table in (SUBSCRIBERS, LEASES, LEASE_SPANS)] == versions


def test_a_bad_file_holds_all_back_and_the_mended_one_settles_the_leases(
    lake: Lake, folder: Path, tokenizer: Tokenizer
) -> None:
    write(folder, "churn_events.csv", ["subscriber_id,churn_date,reason", "S2,2024-13-01,price"])
    with pytest.raises(InputError, match=r"churn_events\.csv, line 2, column churn_date: 1 values .* read as date"):
        load_provider(lake, folder, tokenizer)
    assert not lake.exists(SUBSCRIBERS)
    write(folder, "churn_events.csv", ["subscriber_id,churn_date,reason", "S2,2024-12-01,price"])
    assert load_provider(lake, folder, tokenizer) == ["subscribers", "leases", "churn_events"]
    assert (lake.read(CHURN_EVENTS).count(), lake.read(LEASE_SPANS).count()) == (1, 2)


@pytest.mark.parametrize(
    ("name", "lines", "told"),
    [
        ("subscribers.csv", SUBSCRIBER_LINES[:1] * 2, "line 2, column subscriber_id|line 2, column signup_date"),
        (
            "subscribers.csv",
            [*SUBSCRIBER_LINES, SUBSCRIBER_LINES[1].replace("S1", " S1")],
            "stand there more than once",
        ),
        ("subscribers.csv", ["subscriber_id,plan", "S1,fibre"], "line 1: column .*region.* is missing"),
        ("leases.csv", [*LEASE_LINES, "S1,not-an-address,2024-01-01T00:00:00Z,"], "column address: 1 values"),
        ("leases.csv", [*LEASE_LINES, "S1,10.0.0.3,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z"], "ends_after_start"),
        ("leases.csv", [*LEASE_LINES, "S1,10.0.0.3,,"], "line 4, column valid_from"),
    ],
)
def test_a_fault_is_told_with_its_place(
    lake: Lake, folder: Path, tokenizer: Tokenizer, *, name: str, lines: list[str], told: str
) -> None:
    write(folder, name, lines)
    with pytest.raises(InputError, match=told) as raised:
        load_provider(lake, folder, tokenizer)
    assert name in str(raised.value)
    assert "S1" not in str(raised.value)
    assert "not-an-address" not in str(raised.value)
