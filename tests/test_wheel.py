"""The wheel in an empty environment: README's three commands bring a folder of nfdump files into tables."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.documents import wheel_commands
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


def run(command: str, home: Path) -> str:
    """What ``command`` prints, as a shell runs it in ``home``, with nothing of this environment."""
    known = {name: value for name, value in os.environ.items() if name not in OURS and not name.startswith("TELFLOW")}
    shell = ["sh", "-c", command]
    done = subprocess.run(shell, cwd=home, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-3000:]}"
    return done.stdout


def test_three_commands_bring_nfdump_files_into_tables(home: Path) -> None:
    create, install, pipeline = wheel_commands()
    for command in (create, install):
        run(command, home)
    told = run(pipeline, home)
    assert f"lines: {RECORDS:,} kept" in told
    assert "lake/flows " in told

    flows = table(home / "lake", "flows")
    assert len(flows) == RECORDS
    windows = table(home / "lake", "traffic_by_window")
    assert sum(row["src_bytes"] + row["dst_bytes"] for row in windows) == BYTES
    assert {row["status"] for row in table(home / "lake", "ingest_log")} == {"kept"}
    assert {row["service"] for row in flows} > {"domain", "ssh"}
    key = home / "lake" / ".key"  # made with the lake, for its owner alone
    assert key.stat().st_mode & 0o777 == 0o600

    # the same once more, with the address blocks that are told to be the provider's
    own = f'{pipeline} --set lake.root=./lake-own --set "network.own_prefixes=[147.32.0.0/16]"'
    run(own, home)
    assert "built: 0 UTC days, 0 local days" in run(own, home)
    customers = {row["customer"] for row in table(home / "lake-own", "customer_daily")}
    assert customers
    assert all(customer.startswith("ip_") for customer in customers)
    assert (home / "lake-own" / ".key").read_bytes() != key.read_bytes()

    listed = run(f"{pipeline.split()[0]} --help", home)
    assert "  run_pipeline " in listed
    assert "usage: telflow ask_question" in run(f"{pipeline.split()[0]} ask_question --help", home)


def table(lake: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = DeltaTable(str(lake / name)).to_pyarrow_table().to_pylist()
    return rows
