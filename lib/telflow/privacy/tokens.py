"""Keyed tokens that stand for people: subscribers, own-side addresses and MAC addresses.

A token is HMAC-SHA-256 (RFC 2104, FIPS 180-4) of the kind and the value, cut to 128 bits: without the key it can
neither be turned back nor recomputed from a guess, and the same value is the same token in every table.
"""

import hmac
import os
import re
import secrets
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Literal

from pyspark.sql import SparkSession

from telflow.errors import KeyChangedError, KeyMissingError
from telflow.facts import lake_facts, state_fact
from telflow.lake import Lake
from telflow.settings import PrivacySettings
from telflow.tables import FLOWS, LEASES, SUBSCRIBERS, TRUTH_CUSTOMERS

Kind = Literal["ip", "mac", "sub"]
KEY_FORM = re.compile(r"[0-9a-fA-F]{64}")
KEY_FINGERPRINT = "key_fingerprint"
FINGERPRINT_WORD = b"telflow key fingerprint"
HOLDING_TOKENS = (FLOWS, LEASES, SUBSCRIBERS, TRUTH_CUSTOMERS)


class Tokenizer:
    """Makes tokens under one key. It is small, and travels to the workers inside a closure, never inside a plan."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Tokenizer(key hidden)"

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart and nothing else: the key cannot be had from it, nor can a token."""
        return hmac.digest(self._key, FINGERPRINT_WORD, "sha256").hex()

    def token(self, kind: Kind, value: str) -> str:
        """Token of ``value``, such as ``ip_`` and 32 hexadecimal digits."""
        return f"{kind}_{hmac.digest(self._key, f'{kind}|{value}'.encode(), 'sha256')[:16].hex()}"

    def tokens(self, kind: Kind, values: Iterable[str]) -> list[str]:
        """Token of each of ``values``; call it with the distinct ones."""
        return [self.token(kind, value) for value in values]


def lake_tokenizer(lake: Lake, settings: PrivacySettings) -> Tokenizer:
    """The tokenizer of a lake, whose tokens are all made under one key.

    Raises:
        KeyMissingError: no key is configured, it is not 64 hexadecimal digits, or the file it stood in is gone.
        KeyChangedError: the key is not the one that the lake's tokens were made under.
    """
    known = lake_facts(lake).get(KEY_FINGERPRINT)
    is_new = known is None and not any(lake.exists(table) for table in HOLDING_TOKENS)
    tokenizer = load_tokenizer(settings, lake.spark, may_make_key=is_new)
    if known is None:
        state_fact(lake, KEY_FINGERPRINT, tokenizer.fingerprint)
    elif known != tokenizer.fingerprint:
        raise KeyChangedError(
            f"the key is not the one that the tokens in {lake.root} were made under, so that old and new ones would "
            "not agree: restore that key, or begin a new lake with --set lake.root=..."
        )
    return tokenizer


def load_tokenizer(
    settings: PrivacySettings, spark: SparkSession | None = None, *, may_make_key: bool = True
) -> Tokenizer:
    """A tokenizer whose key comes from the environment, a Databricks secret scope, or a file.

    Args:
        settings: where the key is.
        spark: the session, for a secret scope.
        may_make_key: whether a key file that is not there is made.

    Raises:
        KeyMissingError: no key is configured, it is not 64 hexadecimal digits, or its file is not there.
    """
    from_environment = os.environ.get(settings.key_variable)
    if from_environment is not None:
        return Tokenizer(parse_key(from_environment, f"environment variable {settings.key_variable}"))
    if settings.secret_scope is not None and settings.secret_name is not None:
        source = f"secret {settings.secret_scope}/{settings.secret_name}"
        return Tokenizer(parse_key(databricks_secret(settings.secret_scope, settings.secret_name, spark), source))
    if settings.key_file is not None:
        path = Path(settings.key_file)
        if may_make_key:
            make_key_file(path)
        elif not path.is_file():
            raise KeyMissingError(
                f"key file {path} is not there, but the lake holds tokens that were made under a key: restore the "
                "file, or begin a new lake with --set lake.root=..."
            )
        return Tokenizer(parse_key(path.read_text(encoding="ascii"), f"key file {path}"))
    raise KeyMissingError(
        f"no key for the tokens: set {settings.key_variable} to 64 hexadecimal digits (openssl rand -hex 32), "
        "or privacy.secret_scope and privacy.secret_name to a Databricks secret"
    )


def parse_key(text: str, source: str) -> bytes:
    """The key in ``text``; an error never shows the text."""
    if not KEY_FORM.fullmatch(text.strip()):
        raise KeyMissingError(f"{source} does not hold a key: 64 hexadecimal digits are needed (openssl rand -hex 32)")
    return bytes.fromhex(text.strip())


def make_key_file(path: Path) -> None:
    """Write a new random key to ``path``, readable by its owner alone, unless a key is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))


def databricks_secret(scope: str, name: str, spark: SparkSession | None) -> str:
    """A secret of a Databricks workspace, which only a cluster there can read."""
    try:
        dbutils = import_module("pyspark.dbutils").DBUtils(spark)
    except ImportError:
        raise KeyMissingError(
            f"secret {scope}/{name} can only be read on Databricks: elsewhere set the key's environment variable"
        ) from None
    return str(dbutils.secrets.get(scope=scope, key=name))
