"""One Spark session for the whole run, the same that the jobs get, and the real records."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.privacy.tokens import Tokenizer
from telflow.session import build_session
from telflow.settings import SparkSettings

TEST_KEY = "5a" * 32


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    settings = SparkSettings(
        master="local[2]",
        shuffle_partitions=2,
        driver_memory="2g",
        conf={"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))},
    )
    session = build_session(settings, "telflow-tests")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def clean_session(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "spark" in request.fixturenames:
        request.getfixturevalue("spark").catalog.clearCache()


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(bytes.fromhex(TEST_KEY))


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real records that are not part of the repository."""
    folder = Path(os.environ.get("TELEMETRY_SAMPLES", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"needs real records: {folder} is absent (set TELEMETRY_SAMPLES to their folder)")
    return folder
