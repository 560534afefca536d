"""How well the sweep finds planted segments: ARI with the truth and stability of the best clustering, seed by seed.

    python -m tests.benchmarks.planted_segments LAKE [LAKE ...]
    python -m tests.benchmarks.planted_segments --seeds 2 3 --customers 700 --days 42 --folder ../planted

takes lakes that hold simulated months, or simulates some first, into FOLDER. Each lake gets the default sweep, with its
runs in FOLDER. All customers are synthetic. A table of the best runs is printed, and of the best of each algorithm.
The exit status is 1 where the best of a lake does not reach LEAST.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from telflow.lake import Lake
from telflow.segments.sweep import Tried
from telflow.segments.train import TrainReport, train_segments
from telflow.session import build_session
from telflow.settings import Settings, load_settings

LEAST = {"planted_ari": 0.8, "bootstrap_ari": 0.9}
HEAD = "| lake | customers | run | planted ARI | bootstrap ARI | smallest share | silhouette |"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lakes", nargs="*", type=Path, help="lakes of simulated months")
    parser.add_argument("--seeds", nargs="*", type=int, default=[], help="seeds to simulate a lake of each")
    parser.add_argument("--customers", type=int, default=700, help="customers of a simulated lake (default: 700)")
    parser.add_argument("--days", type=int, default=42, help="its days (default: 42)")
    parser.add_argument("--folder", type=Path, default=Path("planted"), help="folder for lakes and runs")
    given = parser.parse_args(argv)
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lakes = [each.absolute() for each in given.lakes]
    lakes += [simulated(folder, seed, given.customers, given.days) for seed in given.seeds]

    settings = load_settings(conf=Path("conf").absolute())  # found from the folder of the runs too
    spark = build_session(settings.spark)
    os.chdir(folder)
    sys.stdout.write(f"{HEAD}\n| --- | --- | --- | --- | --- | --- | --- |\n")
    status = 0
    for lake in lakes:
        report = swept(spark, lake, settings)
        sys.stdout.write("".join(f"{line}\n" for line in lines(lake.name, report)))
        sys.stdout.flush()
        status = status if reaches_least(report.tried[0]) else 1
    return status


def simulated(folder: Path, seed: int, customers: int, days: int) -> Path:
    """A lake of simulated months in ``folder``."""
    lake, raw = folder / f"lake{seed}", folder / f"raw{seed}"
    overrides = {"lake.root": lake, "simulate.seed": seed, "simulate.customers": customers, "simulate.days": days}
    arguments = [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]
    subprocess.run([sys.executable, "jobs/simulate_telemetry.py", *arguments, "--output", str(raw)], check=True)
    subprocess.run([sys.executable, "jobs/run_pipeline.py", str(raw), *arguments], check=True)
    return lake


def swept(spark: SparkSession, lake: Path, settings: Settings) -> TrainReport:
    """The sweep of ``settings`` over ``lake``, tracked in the current folder."""
    mlflow = settings.mlflow.model_copy(update={"tracking_uri": f"sqlite:///{lake.name}.db"})
    return train_segments(Lake(spark, str(lake)), settings.model_copy(update={"mlflow": mlflow}))


def reaches_least(tried: Tried) -> bool:
    """Whether ``tried`` is as near to the truth, and as stable, as LEAST asks; one without a known truth is not."""
    return all((tried.metrics.get(name) or 0.0) >= least for name, least in LEAST.items())


def lines(lake: str, report: TrainReport) -> list[str]:
    """The best run, and the best of each algorithm and transform, as rows of a table."""
    first: dict[tuple[str, str], Tried] = {}
    for each in report.tried:
        first.setdefault((each.candidate.algorithm, each.candidate.transform), each)
    champion = "champion" if report.is_champion else "best, not champion"
    told = [(f"{champion}: {called(report.tried[0])}", report.tried[0])]
    told += [(called(each), each) for each in first.values()]
    return [f"| {lake} | {report.customers:,} | {name} | {' | '.join(values(each))} |" for name, each in told]


def called(tried: Tried) -> str:
    """Algorithm, number of segments and transform of a run."""
    return f"{tried.candidate.algorithm}, k {tried.candidate.k}, {tried.candidate.transform}"


def values(tried: Tried) -> list[str]:
    """Numbers of a run."""
    names = ("planted_ari", "bootstrap_ari", "smallest_share", "common_silhouette")
    found = [tried.metrics.get(name) for name in names]
    return ["none" if value is None else f"{value:.3f}" for value in found]


if __name__ == "__main__":
    sys.exit(main())
