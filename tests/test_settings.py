"""Settings: merged, frozen, checked, and every error names the key."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from telflow.errors import SettingsError
from telflow.settings import Settings, known_keys, load_settings, merge, read_yaml

BASE = Path("conf")


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_every_environment_loads(environment: str) -> None:
    assert load_settings(environment).environment == environment


def test_an_environment_lies_over_base_key_by_key() -> None:
    local, prod = load_settings("local"), load_settings("prod")
    assert (local.spark.master, prod.spark.master) == ("local[*]", None)
    assert local.network == prod.network


def test_environments_hold_only_what_differs_from_base() -> None:
    base = read_yaml(BASE / "base" / "settings.yaml")
    for environment in ("local", "dev", "prod"):
        over = read_yaml(BASE / environment / "settings.yaml")
        same = [
            f"{environment}: {section}.{key}"
            for section, keys in over.items()
            for key, value in keys.items()
            if base[section][key] == value
        ]
        assert same == []


def test_every_key_is_documented_in_base() -> None:
    for number, line in enumerate((BASE / "base" / "settings.yaml").read_text().splitlines(), start=1):
        setting, has_comment, _ = line.partition("#")
        is_key_with_value = re.match(r"\s+(- )?\w+: \S", setting) is not None
        assert has_comment or not is_key_with_value, f"line {number} says nothing about its key: {line}"


def test_every_known_key_stands_in_base() -> None:
    base = read_yaml(BASE / "base" / "settings.yaml")
    top_keys = [key for key in known_keys(Settings) if key.count(".") == 1 and not key.startswith("environment")]
    assert [key for key in top_keys if key.split(".")[1] not in base[key.split(".")[0]]] == []


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings().lake.root = "elsewhere"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("lake.rot=x", "unknown setting lake.rot: did you mean lake.root?"),
        ("lke.root=x", "unknown setting lke: did you mean lake?"),
        ("peaks.window_second=3", "did you mean peaks.window_seconds?"),
        ("lake.root=3", "setting lake.root = 3: Input should be a valid string"),
        ("peaks.window_seconds=0", "setting peaks.window_seconds = 0"),
        ("peaks.load_scheme=steep", "setting peaks.load_scheme = 'steep'"),
        ("network.zone=Mars/Olympus", "Mars/Olympus is not in the tz database"),
        ("peaks.window_seconds=700", "700 does not divide an hour"),
        ("network.own_prefixes=[203.0.113.0/33]", "203.0.113.0/33"),
        ("lake.root", "write it as section.key=value"),
        ("ingest.earliest=01/02/2024", "01/02/2024 is no day: write it as 2024-01-01, in quotes"),
        ("ingest.latest='2024-02-30'", "2024-02-30 is no day"),
        ("ingest.latest='20240201'", "20240201 is no day"),
        ("ingest.latest='1999-12-31'", "earliest 2000-01-01 is not before latest 1999-12-31"),
        ("ingest.latest='2000-01-01'", "earliest 2000-01-01 is not before latest 2000-01-01"),
        ("advice.service_confidence=0.89", "0.89. must not be below trend_confidence .0.9.: a category"),
        ("lake.root=[", "is not a YAML value"),
        ("segments.smallest_share=0", "setting segments.smallest_share = 0"),
        ("segments.bootstrap_customers=15", "bootstrap_customers .15. are too few for 8 segments"),
    ],
)
def test_a_wrong_override_is_named(override: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("?", r"\?")):
        load_settings(overrides=[override])


def test_services_may_be_as_sure_as_the_trend_they_follow() -> None:
    assert load_settings(overrides=["advice.service_confidence=0.9"]).advice.service_confidence == 0.9


def test_any_key_can_be_overridden_and_the_last_one_counts() -> None:
    settings = load_settings(overrides=["lake.root=/a", "lake.root=/b", "network.own_prefixes=[192.0.2.0/24]"])
    assert settings.lake.root == "/b"
    assert settings.network.own_prefixes == ("192.0.2.0/24",)


@pytest.mark.parametrize(
    ("overrides", "file"),
    [
        ([], "./lake/.key"),
        (["lake.root=/data/other"], "/data/other/.key"),
        (["lake.root=/data/other", "privacy.key_file=./lake/.key"], "./lake/.key"),
        (["lake.root=s3://bucket/lake"], None),
        (["lake.root=main.telflow", "lake.in_catalog=true"], None),
        (["lake.root=/data/other", "privacy.key_file=null"], None),
    ],
)
def test_the_key_of_a_folder_lies_in_it(overrides: list[str], file: str | None) -> None:
    assert load_settings("local", overrides).privacy.key_file == file


def test_the_last_day_that_is_accepted_may_be_the_first() -> None:
    assert load_settings(overrides=["ingest.latest='2000-01-02'"]).ingest.latest == "2000-01-02"


def test_a_missing_environment_is_named() -> None:
    with pytest.raises(SettingsError, match=r"elsewhere.*settings.yaml is missing"):
        load_settings("elsewhere")


def test_a_file_that_is_no_mapping_is_named(tmp_path: Path) -> None:
    for name in ("base", "local"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.yaml").write_text("- just\n- a list\n")
    with pytest.raises(SettingsError, match="holds no keys"):
        load_settings(conf=tmp_path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    for name in ("base", "local"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.yaml").write_text("lake: {root: ./lake}\n")
    with pytest.raises(SettingsError, match=r"setting lake\.in_catalog is missing"):
        load_settings(conf=tmp_path)


def test_merging_replaces_lists_and_keeps_neighbours() -> None:
    base = {"a": {"x": [1, 2], "y": 1}, "b": 2}
    assert merge(base, {"a": {"x": [3]}}) == {"a": {"x": [3], "y": 1}, "b": 2}
    assert base == {"a": {"x": [1, 2], "y": 1}, "b": 2}
