"""No Spark in the web process: MLflow imports it wherever it is installed, and it is dear and of no use here."""

import sys
from importlib.abc import MetaPathFinder


class Barred(MetaPathFinder):
    """Finds no Spark, as if it was not installed; MLflow does without."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname.partition(".")[0] == "pyspark":
            raise ModuleNotFoundError(f"{fullname} is not for the dashboard's process", name=fullname)


def bar_spark() -> None:
    """Let this process import no Spark from now on; for processes that are there to serve."""
    if not any(isinstance(finder, Barred) for finder in sys.meta_path):
        sys.meta_path.insert(0, Barred())
