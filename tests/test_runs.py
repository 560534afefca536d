"""One run at a time, whoever begins first, and none that died keeps others off."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from delta.exceptions import ProtocolChangedException
from pyspark.sql import SparkSession

from telflow import runs
from telflow.errors import LakeBusyError
from telflow.lake import Lake
from telflow.processes import is_running, process_identity, this_process
from telflow.runs import begin_run, sole_run
from telflow.tables import RUN_LOCK


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


def states(lake: Lake) -> list[tuple[int, str]]:
    return sorted((row.run, row.state) for row in lake.read(RUN_LOCK).collect())


def ended_process() -> str:
    """Identity of a process of this machine that is over."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        identity = process_identity(child.pid)
        assert is_running(identity)
    return identity


def test_a_second_run_is_told_who_is_at_work(lake: Lake) -> None:
    told = rf"another run is at work since .* UTC \(first\.py of .*, process {os.getpid()}\): .* --take-over"
    with sole_run(lake, "first.py"):
        with pytest.raises(LakeBusyError, match=told), sole_run(lake, "second.py"):
            pass
        assert states(lake) == [(1, "running")]
    with sole_run(lake, "second.py"):
        assert states(lake) == [(1, "ended"), (2, "running")]
    assert states(lake) == [(2, "ended")]


def test_a_run_that_fails_is_over(lake: Lake) -> None:
    with pytest.raises(ZeroDivisionError), sole_run(lake, "first.py"):
        raise ZeroDivisionError
    assert states(lake) == [(1, "ended")]


@pytest.mark.parametrize("in_catalog", [False, True])
def test_of_runs_that_begin_at_once_only_one_does(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch, *, in_catalog: bool
) -> None:
    if in_catalog:
        spark.sql("CREATE SCHEMA IF NOT EXISTS runs")
        lake = Lake(spark, "runs", in_catalog=True)
    lake.create(RUN_LOCK)
    together = Barrier(3)
    look = runs.last_run

    def look_together(looked_at: Lake) -> Any:
        found = look(looked_at)
        if found is None:
            together.wait(60)
        return found

    monkeypatch.setattr(runs, "last_run", look_together)

    def begin(name: str) -> int | str:
        try:
            return begin_run(lake, name, name)
        except LakeBusyError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(begin, ["a.py", "b.py", "c.py"]))
    assert [result for result in results if isinstance(result, int)] == [1]
    assert all("another run is at work" in result for result in results if isinstance(result, str))
    assert states(lake) == [(1, "running")]


def test_a_run_that_meets_another_at_the_very_first_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def meet(*_: object) -> None:
        raise ProtocolChangedException("the table was made at this moment")

    monkeypatch.setattr(Lake, "create", meet)
    with pytest.raises(LakeBusyError, match="began at the same moment"), sole_run(lake, "first.py"):
        pass


def test_a_run_that_died_on_this_machine_keeps_nobody_off(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runs, "this_process", ended_process)
        begin_run(lake, "died.py", "x")
    with sole_run(lake, "next.py"):
        assert states(lake) == [(1, "running"), (2, "running")]
    assert states(lake) == [(2, "ended")]


def test_a_run_of_another_machine_is_taken_over_only_on_demand(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runs, "this_machine", lambda: "elsewhere")
        patched.setattr(runs, "this_process", ended_process)
        lost = sole_run(lake, "lost.py")
        lost.__enter__()
    with pytest.raises(LakeBusyError, match="on elsewhere"), sole_run(lake, "next.py"):
        pass
    with sole_run(lake, "next.py", take_over=True):
        lost.__exit__(None, None, None)  # it was alive after all
        assert states(lake) == [(1, "ended"), (2, "running")]


def test_a_process_number_that_was_given_again_is_another_process() -> None:
    assert is_running(this_process())
    pid, *began = this_process().split("/")
    if began:
        assert not is_running("/".join([pid, began[0], "0"]))
    assert not is_running(ended_process())
