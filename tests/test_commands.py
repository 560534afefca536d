"""Commands that README and docs/ show are run: a command that no rule covers fails.

Those of the tutorial are run by tests/test_tutorial.py, those of the wheel by tests/test_wheel.py. Four kinds more are
not run here as they stand, each for its reason:

- scripts that train, compare, score or advise: minutes of Spark each, on months of records. Their arguments are read by
  their own parsers here, and their tests in tests/jobs/ run them on records planted for them;
- ``make``: its targets set up an environment, serve until stopped, or are this very suite; their recipes are expanded;
- servers: they serve until they are stopped; tests/dashboard starts one;
- ``databricks`` and what needs a workspace: there is none; tests/test_bundle.py checks what is deployed.
"""

import argparse
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.analysts.saved import SavedQuery
from telflow.analysts.views import register
from telflow.lake import Lake
from tests.analysts.lake import ZONE, write_lake
from tests.documents import DOCUMENTS, ROOT, TUTORIAL, blocks, commands, wheel_commands

SCRIPT = re.compile(r"^\.venv/bin/python jobs/(\w+)\.py\b")
ASKED = ("ask_question", "export_tables")
VPC = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status\n2 1 eni-1 203.0.113.5 198.51.100.7 50000 443 6 10 8400 1704067200 1704067260 ACCEPT OK\n"
)


def script_of(command: str) -> str:
    """Name of the script of jobs/ that ``command`` runs; empty where it runs another program."""
    found = SCRIPT.match(command)
    return found[1] if found else ""


def arguments_of(command: str) -> list[str]:
    return shlex.split(command)[2:]


ELSEWHERE = {*commands(TUTORIAL), *wheel_commands()}  # run by tests of their own
COMMANDS = list(dict.fromkeys(command for document in DOCUMENTS for command in commands(document)))
SCRIPTS = [command for command in COMMANDS if script_of(command) and command not in ELSEWHERE]
ASKING = [command for command in SCRIPTS if script_of(command) in ASKED]
PARSED = [command for command in SCRIPTS if script_of(command) not in ("run_pipeline", *ASKED)]
OTHERS = [command for command in COMMANDS if not script_of(command) and command not in wheel_commands()]


def main_of(command: str) -> Callable[[list[str]], int]:
    found: Callable[[list[str]], int] = import_module(f"jobs.{script_of(command)}").main
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run commands in as a reader would, with the settings and a folder of the reader's own records."""
    (tmp_path / "conf").symlink_to(Path("conf").absolute())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "vpc.log").write_text(VPC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def asked(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lake that every question can be asked of."""
    root = tmp_path_factory.mktemp("commands")
    write_lake(spark, root)
    yield root
    for table in spark.catalog.listTables():
        if table.isTemporary:
            spark.catalog.dropTempView(table.name)


def test_commands_are_found_in_readme_and_docs() -> None:
    told = {script_of(command) for command in COMMANDS}
    assert told >= {"simulate_telemetry", "run_pipeline", *ASKED, "train_segments", "refresh_registry"}
    assert all(commands(ROOT / "docs" / name) for name in ("first-hour.md", "how-to/export.md", "deploy.md"))
    assert len(wheel_commands()) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("spark", "here")
def test_records_of_ones_own_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    [command] = [command for command in SCRIPTS if "run_pipeline.py folder" in command]
    assert main_of(command)(arguments_of(command)) == 0
    assert re.search(r"lake-own/flows +1 rows", capsys.readouterr().out)


@pytest.mark.parametrize("sql", [query for document in DOCUMENTS for query in blocks(document, "sql")])
def test_queries_run(spark: SparkSession, asked: Path, sql: str) -> None:
    register(Lake(spark, str(asked)), ZONE, SavedQuery("shown", "", {}, sql))
    assert spark.sql(sql).columns


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.usefixtures("here")
def test_questions_and_exports_run_as_they_stand(asked: Path, command: str) -> None:
    lake = ["--set", f"lake.root={asked}", "--set", "lake.in_catalog=false"]
    if "--format hyper" in command:
        pytest.importorskip("pantab")
    assert main_of(command)([*arguments_of(command), *lake]) == 0
    output = re.search(r"--output (\S+)", command)
    assert not output or any(Path(output[1]).iterdir())


@pytest.mark.parametrize("command", PARSED)
def test_arguments_of_long_jobs_are_understood_and_their_own_tests_run_them(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UnderstoodError(Exception):
        """The script has read its arguments."""

    def stop(*_: object, **__: object) -> argparse.Namespace:
        raise UnderstoodError

    job = import_module(f"jobs.{script_of(command)}")
    monkeypatch.setattr(job, "open_job", stop)
    monkeypatch.setattr(job, "read_registry", stop, raising=False)
    with pytest.raises(UnderstoodError):
        job.main(arguments_of(command))
    tests = [path.read_text(encoding="utf-8") for path in Path("tests/jobs").glob("test_*.py")]
    imports = rf"^from jobs import .*\b{script_of(command)}\b"
    assert any(re.search(imports, text, re.MULTILINE) for text in tests), f"no test of tests/jobs runs {command}"


def test_mlflows_page_is_served_on_loopback_alone() -> None:
    told = subprocess.run(["make", "--dry-run", "mlflow"], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"mlflow server .*--host (\S+)", told) == ["127.0.0.1"]


@pytest.mark.parametrize("command", OTHERS)
def test_other_commands_are_of_a_known_kind(command: str) -> None:
    program, *rest = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    if program == "make":
        targets = [word for word in rest if "=" not in word]
        subprocess.run(["make", "--dry-run", *(targets or ["help"])], capture_output=True, text=True, check=True)
    elif program == ".venv/bin/gunicorn":
        assert all(find_spec(name) for name in re.findall(r"telflow[.\w]+", command))
    else:
        assert program == "databricks", f"{command}: say in this test how it is run, or why it is not"
