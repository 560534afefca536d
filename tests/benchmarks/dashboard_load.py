"""Load on the dashboard: ``python -m tests.benchmarks.dashboard_load ./lake`` prints p50 and p95 per page.

Fifty users on loopback, each with a connection of its own, open pages as a browser does: the document's callbacks for
the page and for the filters at once, then a pause to look at it. Every third visit changes a filter.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

from telflow.dashboard.pages import PAGES
from tests.dashboard.server import running_server

FILTERS = ("", "?compare=1", "?category=web", "?category=gaming&compare=1")
PAGE_OUTPUT, FILTER_OUTPUT = "page.children", "filters-ready.data"


@dataclass(frozen=True)
class Visit:
    """One page seen by one user: how long both callbacks took together."""

    path: str
    seconds: float


def callback_body(dependency: dict[str, Any], path: str, search: str) -> str:
    """The request a browser sends for the callback ``dependency`` when it opens an address."""
    known = {("url", "pathname"): path, ("url", "search"): search, ("scheme", "data"): "light"}

    def values(wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "value": known.get((one["id"], one["property"]))} for one in wanted]

    outputs = [output.rsplit(".", 1) for output in dependency["output"].strip(".").split("...")]
    return json.dumps(
        {
            "output": dependency["output"],
            "outputs": [{"id": name, "property": prop.split("@")[0]} for name, prop in outputs],
            "inputs": values(dependency["inputs"]),
            "state": values(dependency["state"]),
            "changedPropIds": ["url.pathname", "url.search"],
        }
    )


def post(connection: HTTPConnection, body: str) -> None:
    """Send one callback and read its answer."""
    connection.request("POST", "/_dash-update-component", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status not in (200, 204):
        raise RuntimeError(f"the dashboard answered {answer.status} to {body[:200]}")


def visit(port: int, dependencies: Sequence[dict[str, Any]], path: str, search: str) -> Visit:
    """Open one address over connections as a browser has them."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(dependencies)) as pool:
        list(
            pool.map(
                lambda one: post(HTTPConnection("127.0.0.1", port), callback_body(one, path, search)), dependencies
            )
        )
    return Visit(path, time.perf_counter() - begun)


def user(port: int, dependencies: Sequence[dict[str, Any]], seed: int, seconds: float, pause: float) -> list[Visit]:
    """What one user saw in ``seconds``."""
    draw = np.random.default_rng(seed)
    time.sleep(draw.random() * pause)
    ends, visits = time.monotonic() + seconds, []
    while time.monotonic() < ends:
        search = str(draw.choice(FILTERS)) if draw.random() < 1 / 3 else ""
        visits.append(visit(port, dependencies, PAGES[draw.integers(len(PAGES))].path, search))
        time.sleep(pause * (0.5 + draw.random()))
    return visits


def read_dependencies(port: int) -> list[dict[str, Any]]:
    """The two callbacks that every address sets off."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_dash-dependencies")
    found = json.loads(connection.getresponse().read())
    return [one for one in found if PAGE_OUTPUT in one["output"] or FILTER_OUTPUT in one["output"]]


def percentile(seconds: Sequence[float], part: float) -> float:
    """The value that ``part`` of ``seconds`` are at or below, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake", type=Path)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds a user looks at a page (default: 2)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, running_server(given.lake, Path(folder) / "log") as address:
        port = int(address.rsplit(":", 1)[1])
        dependencies = read_dependencies(port)
        for page in PAGES:
            first = visit(port, dependencies, page.path, "")
            sys.stdout.write(f"first {page.path:20} {first.seconds * 1000:8.0f} ms\n")
        with ThreadPoolExecutor(given.users) as pool:
            users = [
                pool.submit(user, port, dependencies, seed, given.seconds, given.pause) for seed in range(given.users)
            ]
            visits = [one for finished in users for one in finished.result()]
    report(visits, given.users)
    return 0


def report(visits: Sequence[Visit], users: int) -> None:
    """Print p50 and p95 of each page."""
    sys.stdout.write(f"{users} users, {len(visits)} visits\n{'page':20} {'visits':>6} {'p50 ms':>8} {'p95 ms':>8}\n")
    for page in PAGES:
        taken = [one.seconds for one in visits if one.path == page.path]
        if taken:
            p50, p95 = statistics.median(taken) * 1000, percentile(taken, 0.95)
            sys.stdout.write(f"{page.path:20} {len(taken):6} {p50:8.0f} {p95:8.0f}\n")


if __name__ == "__main__":
    sys.exit(main())
