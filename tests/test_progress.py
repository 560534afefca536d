"""The progress bar: on a terminal alone, and of the tasks of all stages since it began."""

import io
import sys
import time
from types import SimpleNamespace
from typing import cast

import pytest
from pyspark.sql import SparkSession

from telflow import progress as module
from telflow.progress import progress

STAGES = {1: SimpleNamespace(numCompletedTasks=8, numTasks=8), 2: SimpleNamespace(numCompletedTasks=3, numTasks=4)}


class Screen(io.StringIO):
    """Stands for a terminal."""

    def isatty(self) -> bool:
        return True


def session_with(*active: list[int]) -> SparkSession:
    """Stands for a session whose tracker tells of stages: first of these, then of those, at the end of the last."""
    left = list(active)
    tracker = SimpleNamespace(
        getActiveStageIds=lambda: left.pop(0) if len(left) > 1 else left[0], getStageInfo=STAGES.get
    )
    return cast(SparkSession, SimpleNamespace(sparkContext=SimpleNamespace(statusTracker=lambda: tracker)))


def test_a_terminal_is_shown_the_tasks_of_all_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, give_up = Screen(), time.monotonic() + 30
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    gone = 3
    with progress(session_with([1], [2, gone]), "looking at files"):
        while "11/12" not in screen.getvalue() and time.monotonic() < give_up:
            time.sleep(0.01)
    shown = screen.getvalue()
    assert all(part in shown for part in ("looking at files", "8/8", "11/12"))


def test_where_the_output_is_no_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(session_with(), "looking at files"):
        pass
    assert capsys.readouterr().err == ""


def test_a_fault_within_goes_on_and_takes_the_bar_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(ConnectionError), progress(session_with([1]), "reading flows"):
        raise ConnectionError
    assert screen.getvalue().endswith("\r")
