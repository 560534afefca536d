"""How long the server takes to answer the churn form: from the fields' texts to the response's JSON, without Spark.

    python -m tests.benchmarks.churn_form

takes the champion of the current folder's MLflow, and changes a field of its typical customer with every answer.
"""

import json
import sys
import time

import numpy as np
from plotly.utils import PlotlyJSONEncoder

from telflow.dashboard.churn_form import fields_of, written
from telflow.dashboard.models import Tracked
from telflow.dashboard.no_spark import bar_spark
from telflow.dashboard.pages import churn_answer
from telflow.dashboard.style import Look
from telflow.errors import TelflowError
from telflow.settings import load_settings

REPEATS = 200


def main() -> int:
    bar_spark()
    settings = load_settings()
    began = time.perf_counter()
    try:
        served = Tracked(settings.mlflow).churn()
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    typical = churn_answer.typical(served)
    texts = {field.name: written(field, typical.get(field.name)) for field in fields_of(served.model)}
    look = Look(settings.dashboard.colours, settings.dashboard.accent)
    _, former, _ = churn_answer.answer_form(served, texts, None, look)
    sys.stdout.write(f"version {served.version}: {time.perf_counter() - began:.2f} s to load and to warm up\n")
    taken = []
    for number in range(REPEATS):
        began = time.perf_counter()
        changed = {**texts, "tenure_days": str(30 + number)}
        content, former, _ = churn_answer.answer_form(served, changed, former, look)
        json.dumps(content, cls=PlotlyJSONEncoder)
        taken.append(time.perf_counter() - began)
    median, p95 = float(np.median(taken)), float(np.quantile(taken, 0.95))
    sys.stdout.write(
        f"answer: median {median * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms, worst {max(taken) * 1000:.1f} ms\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
