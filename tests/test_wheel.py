"""The wheel in an empty environment: README's three commands bring a folder of nfdump files into tables."""

import shutil
from pathlib import Path

import pytest

from tests.documents import wheel_commands
from tests.shell import rows, run
from tests.wheel import build_wheel, copy_sources

pytestmark = pytest.mark.slow

RECORDS, BYTES = 4_593, 241_025  # as nfdump's own summary in the file's last lines tells them
OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYSPARK_PYTHON", "SPARK_HOME")


@pytest.fixture(scope="module")
def home(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the repository with the wheel, and with a folder that a file of nfdump lies in."""
    home = tmp_path_factory.mktemp("home")
    build_wheel(copy_sources(tmp_path_factory.mktemp("source")), home)
    (home / "folder").mkdir()
    shutil.copy(samples / "flows" / "nfdump" / "test1-malicious.nfdump.csv", home / "folder")
    return home


def run_alone(command: str, home: Path) -> str:
    """What ``command`` prints, run in ``home`` with nothing of this environment."""
    return run(command, home, without=OURS)


def test_three_commands_bring_nfdump_files_into_tables(home: Path) -> None:
    create, install, pipeline = wheel_commands()
    for command in (create, install):
        run_alone(command, home)
    told = run_alone(pipeline, home)
    assert f"lines: {RECORDS:,} kept" in told
    assert "lake/flows " in told

    flows = rows(home / "lake", "flows")
    assert len(flows) == RECORDS
    windows = rows(home / "lake", "traffic_by_window")
    assert sum(row["src_bytes"] + row["dst_bytes"] for row in windows) == BYTES
    assert {row["status"] for row in rows(home / "lake", "ingest_log")} == {"kept"}
    assert {row["service"] for row in flows} > {"domain", "ssh"}
    key = home / "lake" / ".key"  # made with the lake, for its owner alone
    assert key.stat().st_mode & 0o777 == 0o600

    # the same once more, with the address blocks that are told to be the provider's
    own = f'{pipeline} --set lake.root=./lake-own --set "network.own_prefixes=[147.32.0.0/16]"'
    run_alone(own, home)
    assert "built: 0 UTC days, 0 local days" in run_alone(own, home)
    customers = {row["customer"] for row in rows(home / "lake-own", "customer_daily")}
    assert customers
    assert all(customer.startswith("ip_") for customer in customers)
    assert (home / "lake-own" / ".key").read_bytes() != key.read_bytes()

    listed = run_alone(f"{pipeline.split()[0]} --help", home)
    assert "  run_pipeline " in listed
    assert "usage: telflow ask_question" in run_alone(f"{pipeline.split()[0]} ask_question --help", home)
