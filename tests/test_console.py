"""The package's command: it knows the scripts of jobs/ and runs them."""

import sys
from pathlib import Path

import pytest

from telflow import console
from telflow.analysts.saved import saved_questions


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["/some/bin/telflow", *arguments])
    return console.main()


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_each_script_of_jobs_with_a_line(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, *arguments) == 0
    told = capsys.readouterr().out
    listed = dict(line.split(maxsplit=1) for line in told.splitlines() if line.startswith("  "))
    assert set(listed) == {path.stem for path in Path("jobs").glob("*.py") if path.stem != "__init__"}
    assert listed["run_pipeline"].startswith("the daily run. ")
    assert all(listed.values())


def test_a_job_runs_with_its_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(monkeypatch, "ask_question") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(saved_questions())
    with pytest.raises(SystemExit, match="0"):
        ran(monkeypatch, "ask_question", "--help")
    assert capsys.readouterr().out.startswith("usage: telflow ask_question [-h]")


def test_an_error_of_ours_is_a_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "ask_question", "traffic_by_categry") == 2
    assert capsys.readouterr().err.startswith("error: question traffic_by_categry is not known: did you mean")


def test_a_job_that_there_is_not_is_told_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(monkeypatch, "run_pipline", "folder") == 2
    assert "telflow run_pipline is not known: did you mean run_pipeline?" in capsys.readouterr().err
