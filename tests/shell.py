"""Commands as a shell runs them, and what they leave in a lake."""

import os
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

from deltalake import DeltaTable


def environment(without: Collection[str] = ()) -> dict[str, str]:
    """This process's environment without settings of ours, and ``without`` these variables."""
    return {name: value for name, value in os.environ.items() if name not in without and not name.startswith("TELFLOW")}


def run(command: str, folder: Path, without: Collection[str] = ()) -> str:
    """What ``command`` prints, run in ``folder``; it has to end well."""
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment(without), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-3000:]}"
    return done.stdout


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """Rows of ``table``, read without Spark."""
    found: list[dict[str, Any]] = DeltaTable(str(lake / table)).to_pyarrow_table().to_pylist()
    return found
