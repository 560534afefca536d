"""How the advice does against planted need, over synthetic lakes and freezes: the table of README.

    python -m tests.benchmarks.planted_advice LAKE ... [--weeks-before 0 4]

Each lake is a folder of a simulation that has been rolled up. Runs are tracked in a folder that is thrown away.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from datetime import timedelta
from pathlib import Path

from telflow.advice.backtest import backtest
from telflow.advice.judging import BASELINES, BacktestReport
from telflow.advice.steps import period_of
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.session import build_session
from telflow.settings import load_settings
from telflow.tables import CUSTOMER_DAILY

HEADER = (
    "| lake | freeze | customers | in need | advised | precision | recall | "
    + " | ".join(f"lead over {name}" for name in BASELINES)
    + " | recommended: precision, recall | approached: precision, recall | flat advised "
    "| services: chosen, precision, recall | most held, as many: precision, recall |"
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lakes", nargs="+", metavar="LAKE", help="folder of a lake with the truth of a simulation")
    parser.add_argument("--weeks-before", type=int, nargs="+", default=[0, 4], help="freezes, before the lake's end")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting")
    given = parser.parse_args(argv)
    sys.stdout.write(f"{HEADER}\n{'| --- ' * HEADER.count(' | ')}| --- |\n")
    with tempfile.TemporaryDirectory() as folder:
        tracked = f"mlflow.tracking_uri=sqlite:///{folder}/mlflow.db"
        roots = {name: f"lake.root={Path(name).absolute()}" for name in given.lakes}
        by_lake = {
            name: load_settings(overrides=[*given.set, root, tracked], conf=Path("conf").absolute())
            for name, root in roots.items()
        }
        with chdir(folder):  # files of the runs lie beside their database
            for name, settings in by_lake.items():
                lake = Lake.of(build_session(settings.spark), settings.lake)
                whole = period_of(lake, None)
                if whole is None:
                    raise TableMissingError(f"{lake.location(CUSTOMER_DAILY)} holds no day: roll up customers first")
                for weeks in given.weeks_before:
                    report = backtest(lake, settings, whole.as_of - timedelta(weeks=weeks))
                    sys.stdout.write(f"{row(name, report)}\n")
                    sys.stdout.flush()
    return 0


def row(root: str, report: BacktestReport) -> str:
    """A line of the table."""
    cells = [
        root,
        str(report.as_of),
        f"{report.customers:,}",
        f"{report.needing:,}",
        f"{report.upsize.chosen:,}",
        f"{shown(report.upsize.precision)} {between(report.precision)}",
        f"{shown(report.upsize.recall)} {between(report.recall)}",
        *[f"over {shown(report.same_size[name].precision)} {between(report.leads[name])}" for name in BASELINES],
        f"{shown(report.offered.precision)}, {shown(report.offered.recall)}",
        f"{shown(report.approached.precision)}, {shown(report.approached.recall)}",
        shown(report.flat_advised),
        f"{report.services.chosen}, {shown(report.services.precision)}, {shown(report.services.recall)}",
        f"{shown(report.most_held.precision)}, {shown(report.most_held.recall)}",
    ]
    return f"| {' | '.join(cells)} |"


def shown(value: float | None) -> str:
    """A part with three digits, a dash for none."""
    return "-" if value is None else f"{value:.3f}"


def between(limits: tuple[float, float] | None) -> str:
    """An interval of 95 %."""
    return "" if limits is None else f"({limits[0]:.3f} to {limits[1]:.3f})"


if __name__ == "__main__":
    sys.exit(main())
