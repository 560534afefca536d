"""The real server in a process of its own, for the browser and for the benchmark."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running_server(lake: Path, log: Path, *overrides: str) -> Iterator[str]:
    """Address of a dashboard on ``lake`` while the block runs; its output goes to ``log``."""
    port = free_port()
    store = f"mlflow.tracking_uri=sqlite:///{lake / 'mlflow.db'}"
    settings = [f"lake.root={lake}", store, f"dashboard.port={port}", *overrides]
    arguments = [part for setting in settings for part in ("--set", setting)]
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as output:
        command = [sys.executable, "-m", "telflow.dashboard", *arguments]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(port, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 60) -> None:
    """Return once the server listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the dashboard did not start: {log.read_text()}")
