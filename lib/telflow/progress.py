"""A progress bar on a terminal while Spark works; nothing where the output is no terminal."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from tqdm import tqdm

POLL_SECONDS = 0.5


@contextmanager
def progress(spark: SparkSession, what: str) -> Iterator[None]:
    """Show how many of Spark's tasks are done while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    is_done = threading.Event()
    with tqdm(desc=what, unit="task", leave=False) as bar:
        watcher = threading.Thread(target=watch, args=(spark, bar, is_done), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            is_done.set()
            watcher.join()


def watch(spark: SparkSession, bar: "tqdm[None]", is_done: threading.Event) -> None:
    """Keep ``bar`` at the tasks of the stages that have run since the start, until ``is_done``."""
    tracker = spark.sparkContext.statusTracker()
    seen: dict[int, tuple[int, int]] = {}
    while not is_done.wait(POLL_SECONDS):
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info is not None:
                seen[stage] = (info.numCompletedTasks, info.numTasks)
        bar.total = sum(tasks for _, tasks in seen.values())
        bar.n = sum(done for done, _ in seen.values())
        bar.refresh()
