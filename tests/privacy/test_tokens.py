"""Tokens: keyed, stable, apart by kind, and a key that never shows."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from telflow.customers.provider import with_tokens
from telflow.errors import KeyChangedError, KeyMissingError
from telflow.facts import lake_facts
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer, lake_tokenizer, load_tokenizer
from telflow.settings import PrivacySettings
from telflow.tables import SUBSCRIBERS

KEY = "0f" * 32
TOKENIZER = Tokenizer(bytes.fromhex(KEY))


def settings(key_file: Path | None = None, scope: str | None = None) -> PrivacySettings:
    return PrivacySettings(
        key_variable="TELFLOW_TEST_KEY",
        key_file=str(key_file) if key_file is not None else None,
        secret_scope=scope,
        secret_name=scope,
        quarantine_days=1,
    )


def test_a_token_is_hmac_sha_256_cut_to_128_bits() -> None:
    whole = hmac.new(bytes.fromhex(KEY), b"ip|10.0.0.1", hashlib.sha256).hexdigest()
    assert TOKENIZER.token("ip", "10.0.0.1") == f"ip_{whole[:32]}"


def test_kinds_and_keys_keep_tokens_apart() -> None:
    other = Tokenizer(bytes.fromhex("f0" * 32))
    tokens = {TOKENIZER.token(kind, "x") for kind in ("ip", "mac", "sub")} | {other.token("ip", "x")}
    assert len({token.split("_")[1] for token in tokens}) == 4


@given(st.text(), st.text())
def test_tokens_are_equal_where_values_are(one: str, other: str) -> None:
    assert (TOKENIZER.token("sub", one) == TOKENIZER.token("sub", other)) == (one == other)


def test_the_key_shows_nowhere() -> None:
    assert KEY not in repr(TOKENIZER)
    assert KEY not in str(TOKENIZER)


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELFLOW_TEST_KEY", KEY)
    assert load_tokenizer(settings(tmp_path / "key")).token("ip", "a") == TOKENIZER.token("ip", "a")
    assert not (tmp_path / "key").exists()


def test_a_key_file_is_made_once_and_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TELFLOW_TEST_KEY", raising=False)
    first = load_tokenizer(settings(tmp_path / "lake" / "key")).token("ip", "a")
    assert load_tokenizer(settings(tmp_path / "lake" / "key")).token("ip", "a") == first
    assert stat.S_IMODE((tmp_path / "lake" / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("bad", ["", "secret", "0f" * 31, "zz" * 32])
def test_a_bad_key_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setenv("TELFLOW_TEST_KEY", bad)
    with pytest.raises(KeyMissingError, match="TELFLOW_TEST_KEY does not hold a key") as raised:
        load_tokenizer(settings())
    assert not bad or bad not in str(raised.value)


def test_no_key_at_all_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELFLOW_TEST_KEY", raising=False)
    with pytest.raises(KeyMissingError, match="set TELFLOW_TEST_KEY to 64 hexadecimal digits"):
        load_tokenizer(settings())


def test_a_secret_scope_outside_databricks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELFLOW_TEST_KEY", raising=False)
    with pytest.raises(KeyMissingError, match="can only be read on Databricks"):
        load_tokenizer(settings(scope="telflow"))


def test_no_plan_holds_the_key_or_a_value(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("10.0.0.1", "S1"), ("nonsense", "S2"), (None, " ")], "address string, id string")
    made = with_tokens(rows, {"address": "ip", "id": "sub"}, TOKENIZER)
    plan = made._jdf.queryExecution().toString()
    assert KEY not in plan
    assert [tuple(row) for row in made.collect()] == [
        (TOKENIZER.token("ip", "10.0.0.1"), TOKENIZER.token("sub", "S1")),
        (None, TOKENIZER.token("sub", "S2")),
        (None, None),
    ]


def test_a_lake_keeps_to_the_key_its_tokens_were_made_under(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TELFLOW_TEST_KEY", raising=False)
    lake, file = Lake(spark, str(tmp_path / "lake")), tmp_path / "key"
    first = lake_tokenizer(lake, settings(file)).token("ip", "a")
    assert lake_tokenizer(lake, settings(file)).token("ip", "a") == first
    key = file.read_text()
    assert key not in str(lake_facts(lake))

    file.unlink()
    with pytest.raises(KeyMissingError, match=r"key file .* is not there, but the lake holds tokens"):
        lake_tokenizer(lake, settings(file))
    assert not file.exists()
    file.write_text(KEY)
    with pytest.raises(KeyChangedError, match=r"not the one that the tokens in .* were made under"):
        lake_tokenizer(lake, settings(file))
    monkeypatch.setenv("TELFLOW_TEST_KEY", key)
    assert lake_tokenizer(lake, settings()).token("ip", "a") == first


def test_no_key_is_made_for_tokens_that_are_there(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TELFLOW_TEST_KEY", raising=False)
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.create(SUBSCRIBERS)
    with pytest.raises(KeyMissingError, match="restore the file"):
        lake_tokenizer(lake, settings(tmp_path / "key"))
