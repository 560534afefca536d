"""What every job's command line shares: settings, overrides, session, lake, and errors said in one line."""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from pyspark.sql import SparkSession

from telflow.errors import TelflowError
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer, lake_tokenizer
from telflow.runs import sole_run
from telflow.session import build_session
from telflow.settings import Settings, load_settings

OURS, CRASH = 2, 70  # exit statuses: an error that says what to do; a fault of the program (EX_SOFTWARE of sysexits.h)


@dataclass(frozen=True)
class Job:
    """What a job works with.

    Attributes:
        take_over: begin although another run seems to be at work.
    """

    settings: Settings
    spark: SparkSession
    lake: Lake
    take_over: bool = False

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """What makes the tokens of the lake."""
        return lake_tokenizer(self.lake, self.settings.privacy)

    def alone(self) -> AbstractContextManager[None]:
        """Keep other runs off the lake while the block runs.

        Raises:
            LakeBusyError: another run is at work.
        """
        return sole_run(self.lake, Path(sys.argv[0]).name, take_over=self.take_over)


def job_parser(description: str | None) -> argparse.ArgumentParser:
    """Parser with the arguments that all jobs take; a job adds its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="settings to use: local, dev, staging or prod (default: local)")
    parser.add_argument("--conf", type=Path, help="folder of the settings (default: ./conf, else the package's own)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, such as lake.root=./lake"
    )
    parser.add_argument(
        "--take-over", action="store_true", help="begin although another run seems to be at work: it has died"
    )
    return parser


def open_job(arguments: argparse.Namespace) -> Job:
    """Settings, session and lake as the command line asks for them."""
    return job_with(load_settings(arguments.env, arguments.set, arguments.conf), take_over=arguments.take_over)


def notebook_job() -> Job:
    """What a notebook works with: settings of ``conf``, and those that TELFLOW_SET overrides.

    Overrides are separated by blanks or lines and quoted as in a shell, as the dashboard takes them.
    """
    overrides = shlex.split(os.environ.get("TELFLOW_SET", ""))
    return job_with(load_settings(os.environ.get("TELFLOW_ENV", "local"), overrides))


def job_with(settings: Settings, *, take_over: bool = False) -> Job:
    """Session and lake as ``settings`` have them."""
    spark = build_session(settings.spark)
    return Job(settings, spark, Lake.of(spark, settings.lake), take_over)


def add_days(parser: argparse.ArgumentParser, meaning: str = "UTC days (default: new and changed ones)") -> None:
    """Give ``parser`` the argument ``--days``, a list of days or None."""
    parser.add_argument("--days", type=parse_days, metavar="A..B", help=meaning)


def add_promote(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the flag ``--promote``."""
    parser.add_argument(
        "--promote", action="store_true", help="make the new version champion whatever the comparison says"
    )


def add_as_of(
    parser: argparse.ArgumentParser,
    meaning: str = "local day after the last one to look at (default: the day after the last one in customer_daily)",
) -> None:
    """Give ``parser`` the argument ``--as-of``, a day or None."""
    parser.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help=meaning)


def parse_days(text: str) -> list[date]:
    """``2024-01-01`` or ``2024-01-01..2024-01-31`` (both ends included) as days, for ``type=`` of an argument."""
    first, _, last = text.partition("..")
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    if end < start:
        raise argparse.ArgumentTypeError(f"{text}: the last day comes before the first")
    return [start + timedelta(days=offset) for offset in range((end - start).days + 1)]


def run_script(main: Callable[[Sequence[str] | None], int]) -> None:
    """Run ``main`` as a script does, and exit where its status is not 0.

    Databricks runs a script within IPython, where any exit counts as a failure, that with status 0 too.
    """
    status = run_job(main)
    if status:
        sys.exit(status)


def run_job(main: Callable[[Sequence[str] | None], int]) -> int:
    """Exit status of ``main``: its own, 2 with the message where it raises an error of ours, 70 where it crashes.

    Of its own, 0 is that all is well, and 1 that somebody has to look after a file. Usage errors are 2 as well.
    """
    try:
        return main(None)
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return OURS
    except Exception:
        logging.getLogger("telflow").exception("a fault of the program")
        return CRASH
