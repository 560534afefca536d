"""The registry that ships with the package: whole, small, of known origin and not stale."""

from datetime import date
from pathlib import Path

import pytest

from telflow.classify.registries import ProtocolFact, Registry, ServiceFact, read_registry
from telflow.classify.shipped import (
    PROTOCOLS_FILE,
    SERVICES_FILE,
    STALE_AFTER_DAYS,
    load_shipped_registry,
    provenance,
    read_table,
    registry_age_days,
    resource_folder,
    write_resource,
)


def test_it_is_what_the_official_files_say(samples: Path) -> None:
    fresh = read_registry(samples / "iana/service-names-port-numbers.csv", samples / "iana/protocol-numbers-1.csv")
    assert load_shipped_registry() == fresh


def test_its_provenance_is_of_these_facts() -> None:
    told, registry = provenance(), load_shipped_registry()
    assert told["digest"] == registry.digest
    assert told["licence"] == "CC0-1.0"
    assert date.fromisoformat(told["retrieved"]) >= date.fromisoformat(registry.version)
    assert "refresh_registry.py" in told["refresh"]


def test_it_is_small_and_holds_facts_only() -> None:
    files = [resource_folder() / name for name in (SERVICES_FILE, PROTOCOLS_FILE)]
    assert sum(len(file.read_bytes()) for file in files) < 400_000
    assert max(len(field.split()) for row in read_table(files[0]) for field in (*row[:4], row[5])) == 1


def test_it_is_not_stale() -> None:
    age = registry_age_days(load_shipped_registry())
    assert age <= STALE_AFTER_DAYS, f"the newest entry is {age} days old: {provenance()['refresh']}"


@pytest.mark.parametrize(
    ("version", "days"), [("2026-02-13", 1), ("2026-02-14", 0), ("2026-02-13.2", 1), ("2026-02", 13)]
)
def test_age_counts_from_the_newest_entry(version: str, days: int) -> None:
    assert registry_age_days(Registry(version, (), ()), date(2026, 2, 14)) == days


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    facts = (ServiceFact(6, 1, 2, "a", ("b", "c"), "system"), ServiceFact(17, 2000, 2000, "d", (), "user"))
    write_resource(Registry("2024-01-01", facts, (ProtocolFact(1, "icmp"), ProtocolFact(2, None))), tmp_path, date.min)
    assert read_table(tmp_path / SERVICES_FILE) == [
        ["6", "1", "2", "a", "b c", "system"],
        ["17", "2000", "2000", "d", "", "user"],
    ]
    assert read_table(tmp_path / PROTOCOLS_FILE) == [["1", "icmp"], ["2", ""]]
