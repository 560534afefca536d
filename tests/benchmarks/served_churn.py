"""How long the served churn model takes for one customer: probability and reasons, without Spark.

    python -m tests.benchmarks.served_churn

takes the champion of the current folder's MLflow, which answers for its input example. Nothing in it starts Spark.
"""

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from telflow.churn.served import ChurnModel
from telflow.errors import TelflowError
from telflow.settings import load_settings
from telflow.tracking import load_version, model_name, open_tracking, raw_model

REPEATS = 200


def main(argv: Sequence[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--target", default="churn", help="model to ask: churn, or churn-own (default: churn)")
    given = arguments.parse_args(argv)
    settings = load_settings()
    open_tracking(settings.mlflow)
    began = time.perf_counter()
    try:
        loaded, version = load_version(model_name(settings.mlflow, given.target))
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    model: ChurnModel = raw_model(loaded)
    rows = model.example()
    loaded_in = time.perf_counter() - began
    first = answer_times(model, rows, settings.churn.reasons, repeats=1)["worst"]
    sys.stdout.write(
        f"{given.target} version {version}: loaded in {loaded_in:.2f} s, first answer {first * 1000:.1f} ms\n"
    )
    seconds = answer_times(model, rows, settings.churn.reasons)
    told = ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in seconds.items())
    sys.stdout.write(f"one customer, probability and {settings.churn.reasons} reasons: {told}\n")
    return 0


def answer_times(model: ChurnModel, rows: pd.DataFrame, reasons: int, repeats: int = REPEATS) -> dict[str, float]:
    """Seconds for one customer at a time, over ``repeats`` of them."""
    taken = []
    for number in range(repeats):
        row = rows.iloc[[number % len(rows)]]
        began = time.perf_counter()
        model.probability(row)
        model.reasons(row, reasons)
        taken.append(time.perf_counter() - began)
    return {"median": float(np.median(taken)), "p95": float(np.quantile(taken, 0.95)), "worst": max(taken)}


if __name__ == "__main__":
    sys.exit(main())
