"""The command line that all jobs share."""

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from telflow.cli import open_job, parse_days, run_job
from telflow.errors import InputError


def test_days_include_both_ends() -> None:
    assert parse_days("2024-02-28..2024-03-01") == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert parse_days("2024-02-28") == [date(2024, 2, 28)]


def test_days_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="the last day comes before the first"):
        parse_days("2024-03-01..2024-02-28")


def test_an_error_of_ours_is_one_line_and_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> int:
        raise InputError("flows.csv, line 3: no such thing")

    assert run_job(fail) == 2
    assert capsys.readouterr().err == "error: flows.csv, line 3: no such thing\n"


def test_a_crash_is_neither_an_error_of_ours_nor_a_file_to_look_after(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError

    assert run_job(fail) == 70
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("status", [0, 1])
def test_a_status_of_its_own_goes_through(status: int) -> None:
    assert run_job(lambda _: status) == status


def test_without_any_logging_a_crash_tells_where_it_happened() -> None:
    program = "import telflow.cli, sys; sys.exit(telflow.cli.run_job(lambda _: 1 // 0))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert told.returncode == 70
    assert "ZeroDivisionError" in told.stderr
    assert "line 1" in told.stderr


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("overrides", "root"),
    [
        (["lake.root=./lake"], str(Path.cwd() / "lake")),
        (["lake.root=/data/lake"], "/data/lake"),
        (["lake.root=s3://bucket/lake"], "s3://bucket/lake"),
        (["lake.root=main.telflow", "lake.in_catalog=true"], "main.telflow"),
    ],
)
def test_the_lake_is_where_the_settings_say(overrides: list[str], root: str) -> None:
    assert open_job(argparse.Namespace(env="local", set=overrides, conf=None, take_over=False)).lake.root == root
