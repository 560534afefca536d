"""The provider's files: tokens instead of names, changes only, and every fault told with its place."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.customers.provider import load_provider, provider_folders
from telflow.days import stale_days
from telflow.errors import InputError
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.tables import CHURN_EVENTS, FLOWS, LEASE_SPANS, LEASES, SUBSCRIBERS
from tests.flow_rows import START, flow, flows_frame

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
        ("leases.csv", [*LEASE_LINES, "S1,10.0.0.3,2024-01-01T00:00:00Z"], "line 4: 3 values stand under 4 columns"),
        ("leases.csv", [*LEASE_LINES, "S1,10.0.0.3,2024-01-01T00:00:00Z,,"], "line 4: 5 values stand under 4"),
        (
            "subscribers.csv",
            [*SUBSCRIBER_LINES, "north"],
            "line 4: 1 values stand under 7 .* deliver it again",
        ),
        ("leases.csv", [*LEASE_LINES, 'S1,"10.0.0.3\n2024,2024-01-01T00:00:00Z,'], "line 5: "),
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


def test_text_that_is_not_utf_8_is_told(lake: Lake, folder: Path, tokenizer: Tokenizer) -> None:
    (folder / "subscribers.csv").write_bytes("\n".join(SUBSCRIBER_LINES).replace("fibre", "fibré").encode("cp1252"))
    with pytest.raises(InputError, match=r"subscribers\.csv is not UTF-8 text .* save it as UTF-8"):
        load_provider(lake, folder, tokenizer)


def test_a_folder_of_any_name_is_read(lake: Lake, folder: Path, tokenizer: Tokenizer) -> None:
    odd = folder.parent / "a:b [2024] {x}" / "provider"
    odd.parent.mkdir()
    folder.rename(odd)
    assert load_provider(lake, odd, tokenizer) == ["subscribers", "leases"]
    assert lake.read(LEASES).count() == 2


def test_the_providers_folder_is_below_a_folder_and_beside_files(folder: Path) -> None:
    raw = folder.parent
    (raw / "day").mkdir()
    (raw / "flows[1].csv").write_text("x")
    for given in (raw, raw / "flows[1].csv", raw / "*.csv", raw / "d?y"):
        assert provider_folders([str(given)]) == [folder]
    assert provider_folders([str(raw), str(raw / "*.csv"), str(raw / "day" / "..")]) == [folder]
    assert provider_folders([str(raw / "day"), str(raw / "day" / "*.csv")]) == []
    (raw / "day" / "provider").mkdir()
    with pytest.raises(InputError, match="would take each other's place"):
        provider_folders([str(raw), str(raw / "day")])


def test_a_later_delivery_has_exactly_the_days_rebuilt_that_it_changes(
    spark: SparkSession, lake: Lake, folder: Path, tokenizer: Tokenizer
) -> None:
    lake.append(FLOWS, flows_frame(spark, [flow(START + timedelta(days=offset)) for offset in range(7)]))
    load_provider(lake, folder, tokenizer)
    assert set(stale_days(lake, "a step")) == {date(2024, 1, day) for day in range(1, 8)}  # S2's has no end
    # S1 holds its address a day longer, S2's ends on the sixth, and somebody's lies outside of all flows
    later = [
        LEASE_LINES[0],
        LEASE_LINES[1].replace("-02T", "-03T"),
        LEASE_LINES[2] + "2024-01-06T06:00:00Z",
        "S3,10.0.0.9,2025-01-01T00:00:00Z,",
    ]
    write(folder, "leases.csv", later)
    before = max(stale_days(lake, "a step").values())
    load_provider(lake, folder, tokenizer)
    changed = {day.day for day, run in stale_days(lake, "a step").items() if run > before}
    assert changed == {2, 6, 7}
    write(folder, "subscribers.csv", [*SUBSCRIBER_LINES[:1], SUBSCRIBER_LINES[1].replace("fibre", "cable")])
    load_provider(lake, folder, tokenizer)
    latest = max(stale_days(lake, "a step").values())
    assert {day.day for day, run in stale_days(lake, "a step").items() if run == latest} == {1, 2, 3, 4, 5, 6}


def test_a_file_cut_after_its_last_comma_is_no_lease_without_end(
    lake: Lake, folder: Path, tokenizer: Tokenizer
) -> None:
    path = folder / "leases.csv"
    path.write_text("\n".join([*LEASE_LINES, "S1,10.0.0.3,2024-01-01T00:00:00Z,"]), encoding="utf-8")
    with pytest.raises(InputError, match=r"leases\.csv, line 4: the file ends after a comma"):
        load_provider(lake, folder, tokenizer)
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "leases" in load_provider(lake, folder, tokenizer)
