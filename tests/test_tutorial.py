"""The tutorial as it stands: its commands, in their order, in one folder, each as a shell runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.dashboard.server import free_port, wait_for
from tests.documents import README, TUTORIAL, blocks, commands
from tests.shell import environment, rows, run

pytestmark = pytest.mark.slow

COPIED = ("Makefile", "conf", "jobs", "lib", "requirements.lock", "setup.py")
SETTING_UP, *BETWEEN, SERVING = commands(TUTORIAL)
AS_SET_UP = "make --old-file .venv/.ready"  # the suite runs in an environment that stands: none is made below it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a copy of the repository holds, without records and tables."""
    folder = tmp_path_factory.mktemp("tutorial")
    for name in COPIED:
        (folder / name).symlink_to(Path(name).absolute())
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, str]:
    """What each command up to the dashboard's prints, by its script and arguments."""
    run(SETTING_UP.replace("make", AS_SET_UP), folder)
    return {command.removeprefix(".venv/bin/python jobs/"): run(command, folder) for command in BETWEEN}


@contextmanager
def serving(command: str, folder: Path) -> Iterator[int]:
    """Port of what ``command`` serves while the block runs."""
    port, log = free_port(), folder / "dashboard.log"
    with log.open("w") as output:
        shell = ["sh", "-c", f"{command} PORT={port}"]
        process = subprocess.Popen(
            shell, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for(port, process, log)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_it_begins_with_the_environment_and_ends_with_the_dashboard() -> None:
    assert (SETTING_UP, SERVING) == ("make setup", "make dashboard")
    assert all(command.startswith(".venv/bin/python jobs/") for command in BETWEEN)


def test_records_become_tables_customers_segments_and_advice(folder: Path, told: dict[str, str]) -> None:
    answers = {command.partition(".py")[0]: answer for command, answer in told.items()}
    assert (folder / "raw" / "provider" / "leases.csv").is_file()
    assert "lake/customer_daily " in answers["run_pipeline"]
    assert " is the champion: " in answers["train_segments"]
    assert len({row["segment"] for row in rows(folder / "lake", "customer_segments")}) > 2
    assert {row["kind"] for row in rows(folder / "lake", "recommendations")} > {"plan up", "no change"}
    assert {path.name for path in (folder / "export").iterdir()} > {"SYNTHETIC.txt", "bi_customer_days"}


def test_each_question_is_answered_and_says_of_what_records(told: dict[str, str]) -> None:
    asked = {command: answer for command, answer in told.items() if command.startswith("ask_question.py ")}
    answers = "".join(asked.values())
    for shown in ("|web ", "busy_hour_local: start of", "heavy_share: part of", "segment: name of", "|up "):
        assert shown in answers
    questions = [name for command in asked for name in command.split()[1:]]
    assert answers.count("These records are synthetic.") == len(questions) == 5


@pytest.mark.usefixtures("told")
def test_the_program_in_readme_asks_the_same_lake(folder: Path) -> None:
    [program] = blocks(README, "python")
    (folder / "ask.py").write_text(program, encoding="utf-8")
    assert "| " in run(".venv/bin/python ask.py", folder)


@pytest.mark.usefixtures("told")
def test_the_dashboard_opens_on_that_lake(folder: Path) -> None:
    with serving(SERVING.replace("make", AS_SET_UP), folder) as port:
        page = HTTPConnection("127.0.0.1", port, timeout=60)
        page.request("GET", "/")
        answer = page.getresponse()
        assert answer.status == 200
        assert b"telflow" in answer.read().lower()
