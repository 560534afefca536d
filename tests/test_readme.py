"""README says what there is."""

import re
import subprocess
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from telflow.tables import ALL_TABLES, TRUTH_TABLES, Table

README = Path("README.md").read_text(encoding="utf-8")
SCRIPTS = sorted(path for path in Path("jobs").glob("*.py") if path.stem != "__init__")
JOBS = [import_module(f"jobs.{path.stem}") for path in SCRIPTS]


@pytest.mark.parametrize("table", [table for table in ALL_TABLES if table not in TRUTH_TABLES], ids=lambda t: t.name)
def test_each_table_stands_with_its_grain_its_question_and_a_query(table: Table) -> None:
    assert f"| `{table.name}` | {table.grain} | {table.answers} | `{table.sample_query}` |" in README


def test_each_job_stands_in_the_list_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+\.py)` \|", README, flags=re.MULTILINE)) == {path.name for path in SCRIPTS}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: str(job.__name__))
def test_each_job_tells_of_itself(job: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        job.main(["--help"])
    assert "--set KEY=VALUE" in capsys.readouterr().out


@pytest.mark.parametrize("command", re.findall(r"^make(?: (\w+))?", README, flags=re.MULTILINE))
def test_each_make_command_is_known(command: str) -> None:
    told = subprocess.run(["make", "--dry-run", command or "help"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def test_make_alone_prints_help() -> None:
    told = subprocess.run(["make"], capture_output=True, text=True, check=True).stdout
    assert {"run", "test", "bench", "help"} <= {line.split()[0] for line in told.splitlines()}
