"""What every job's command line shares: settings, overrides, session, lake, and errors said in one line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from telflow.errors import TelflowError
from telflow.lake import Lake
from telflow.session import build_session
from telflow.settings import Settings, load_settings


@dataclass(frozen=True)
class Job:
    """What a job works with."""

    settings: Settings
    spark: SparkSession
    lake: Lake


def job_parser(description: str | None) -> argparse.ArgumentParser:
    """Parser with the arguments that all jobs take; a job adds its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="settings to use: local, dev or prod (default: local)")
    parser.add_argument("--conf", type=Path, help="folder of the settings (default: ./conf, else the package's own)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, such as lake.root=./lake"
    )
    return parser


def open_job(arguments: argparse.Namespace) -> Job:
    """Settings, session and lake as the command line asks for them."""
    settings = load_settings(arguments.env, arguments.set, arguments.conf)
    spark = build_session(settings.spark)
    return Job(settings, spark, Lake.of(spark, settings.lake))


def parse_days(text: str) -> list[date]:
    """``2024-01-01`` or ``2024-01-01..2024-01-31`` (both ends included) as days, for ``type=`` of an argument."""
    first, _, last = text.partition("..")
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    if end < start:
        raise argparse.ArgumentTypeError(f"{text}: the last day comes before the first")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def run_job(main: Callable[[Sequence[str] | None], int]) -> int:
    """Exit status of ``main``: its own, or 2 with the message where it raises an error of ours."""
    try:
        return main(None)
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
