"""A Spark standalone cluster on loopback: a master and workers, each a process of its own.

    python -m tests.cluster.standalone --workers 2

starts one, says where its master is, and stops it on Ctrl-C.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from telflow.session import pyspark_jars

LOOPBACK = "127.0.0.1"
SPARK_HOME = pyspark_jars().parent
DEPLOY = "org.apache.spark.deploy"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
STARTED = re.compile(r"Starting Spark master at (spark://\S+)")
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """A cluster at work.

    Attributes:
        master: its address, ``spark://host:port``.
        folder: what its workers and their executors write, logs included.
    """

    master: str
    folder: Path

    def executors(self) -> list[int]:
        """Processes that run tasks at the moment (Linux)."""
        return [pid for pid, command in commands().items() if EXECUTOR in command and self.is_ours(pid)]

    def is_ours(self, pid: int) -> bool:
        """Whether a process runs in the folder of one of the workers."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(self.folder)
        except OSError:  # it has ended meanwhile
            return False


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default: 2)")
    parser.add_argument("--cores", type=int, default=1, help="cores of each (default: 1)")
    parser.add_argument("--memory", default="2g", help="memory of each (default: 2g)")
    given = parser.parse_args(argv)
    with TemporaryDirectory() as folder, standalone(Path(folder), given.workers, given.cores, given.memory) as cluster:
        sys.stdout.write(f"{cluster.master} with {given.workers} workers; Ctrl-C stops it\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


@contextmanager
def standalone(folder: Path, workers: int = 2, cores: int = 1, memory: str = "2g") -> Iterator[Cluster]:
    """A cluster whose processes end with the block.

    Args:
        folder: where logs and the workers' files go.
        workers: worker processes.
        cores: cores of each.
        memory: memory of each, as Spark writes it.

    Raises:
        TimeoutError: it did not come up; the message has the end of the log.
    """
    with ExitStack() as processes:
        master_log = folder / "master.log"
        arguments = ["--host", LOOPBACK, "--port", "0", "--webui-port", "0"]
        processes.enter_context(daemon(f"{DEPLOY}.master.Master", arguments, master_log))
        master = awaited(master_log, STARTED).group(1)
        for number in range(workers):
            log, place = folder / f"worker{number}.log", folder / f"worker{number}"
            offer = ["--cores", str(cores), "--memory", memory, "--work-dir", str(place)]
            command = ["--host", LOOPBACK, "--webui-port", "0", *offer, master]
            processes.enter_context(daemon(f"{DEPLOY}.worker.Worker", command, log))
            awaited(log, re.compile("Successfully registered with master"))
        yield Cluster(master, folder)


@contextmanager
def daemon(name: str, arguments: Sequence[str], log: Path) -> Iterator[None]:
    """A process of Spark's own, by ``spark-class``, that is stopped with the block."""
    command = [str(SPARK_HOME / "bin" / "spark-class"), name, *arguments]
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, env=environment(), start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def environment() -> dict[str, str]:
    """Variables of a process of the cluster: it listens on loopback alone, and logs what it does."""
    known = {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_PUBLIC_DNS": LOOPBACK,
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",  # it has a port of its own
    }
    return {**os.environ, **known}


def awaited(log: Path, told: re.Pattern[str]) -> re.Match[str]:
    """Where ``log`` comes to tell it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = told.search(log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found
        time.sleep(0.2)
    last = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise TimeoutError(f"{log} does not tell {told.pattern!r} after {PATIENCE_SECONDS} s: {last}")


def commands() -> dict[int, str]:
    """Command line of each process of this machine (Linux)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:  # it has ended meanwhile
                continue
            found[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


if __name__ == "__main__":
    sys.exit(main())
