"""Load on the dashboard: ``python -m tests.benchmarks.dashboard_load ./lake`` prints p50 and p95 per page.

Fifty users on loopback, each with a connection of its own, open pages as a browser does: the document's callbacks for
the page and for the filters at once, after them the flows of the page of customers, then a pause to look at it. A third
of the visits sets a filter, another third goes into the page: to a customer drawn from the lake, a category, a tier, a
level. Models are those of ./mlflow.db.
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
from urllib.parse import parse_qsl, urlencode

import numpy as np

from telflow.dashboard.filters import FILTERS
from telflow.dashboard.pages import PAGES
from telflow.dashboard.pages.customer_flows import ASKED, FLOWS
from telflow.dashboard.queries.customers import SUBSCRIBER
from telflow.dashboard.queries.extent import options
from telflow.dashboard.readers import open_reader
from telflow.dashboard.relations import CUSTOMERS_BY_DAY
from telflow.settings import load_settings
from tests.dashboard.server import running_server

CHOICES = ("", "?compare=1", "?category=web", "?category=gaming&compare=1")
INSIDE = {
    "/categories": ("?within=web", "?service=https&within=web"),
    "/peaks": ("?tier=High",),
    "/segments": ("?level=Potential+Sales",),
}
OF_CUSTOMERS = ("/customers", "/churn")
CUSTOMERS = 200
OUTPUTS = ("page.children", "filters-ready.data")
FLOWS_OUTPUT = f"{FLOWS}.children"
NOT_WHOLE = (b"words-missing", b"words-error")


@dataclass(frozen=True)
class Visit:
    """What one user waited for: a page with its filters, or the flows that come after it.

    Attributes:
        name: of the page, with the parameters of the address where it goes into the page.
        is_whole: whether it had all that it shows: no table or model is missing.
    """

    name: str
    seconds: float
    is_whole: bool


@dataclass(frozen=True)
class People:
    """Whom the lake holds: some customers, and the names of all segments."""

    customers: Sequence[str]
    segments: Sequence[str]

    @property
    def choices(self) -> list[str]:
        """Addresses with filters, half of them of segments where there are any."""
        return [*CHOICES, *(f"?{urlencode({'segment': name})}" for name in self.segments[: len(CHOICES)])]


def visit_name(path: str, search: str) -> str:
    """The row of the report that a visit belongs to: filters make no row of their own."""
    inside = [name for name, _ in parse_qsl(search.removeprefix("?")) if name not in FILTERS]
    return f"{path}?{'&'.join(inside)}" if inside else path


def callback_body(dependency: dict[str, Any], path: str, search: str) -> str:
    """The request a browser sends for the callback ``dependency`` when it opens an address."""
    known = {
        ("url", "pathname"): path,
        ("url", "search"): search,
        ("scheme", "data"): "light",
        (ASKED, "data"): {"search": search, "scheme": "light"},
    }

    def values(wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "value": known.get((one["id"], one["property"]))} for one in wanted]

    outputs = [output.rsplit(".", 1) for output in dependency["output"].strip(".").split("...")]
    described = [{"id": name, "property": prop.split("@")[0]} for name, prop in outputs]
    return json.dumps(
        {
            "output": dependency["output"],
            "outputs": described if dependency["output"].startswith("..") else described[0],
            "inputs": values(dependency["inputs"]),
            "state": values(dependency["state"]),
            "changedPropIds": [f"{one['id']}.{one['property']}" for one in dependency["inputs"][:2]],
        }
    )


def post(connection: HTTPConnection, body: str) -> bytes:
    """The answer to one callback."""
    connection.request("POST", "/_dash-update-component", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in (200, 204):
        raise RuntimeError(f"the dashboard answered {answer.status} to {body[:200]}")
    return content


def timed(port: int, dependencies: Sequence[dict[str, Any]], path: str, search: str, name: str) -> Visit:
    """Ask callbacks at once, over connections as a browser has them."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(dependencies)) as pool:
        answers = list(
            pool.map(
                lambda one: post(HTTPConnection("127.0.0.1", port), callback_body(one, path, search)), dependencies
            )
        )
    seconds = time.perf_counter() - begun
    return Visit(name, seconds, not any(word in answer for word in NOT_WHOLE for answer in answers))


def visits_of(port: int, dependencies: Sequence[dict[str, Any]], path: str, search: str) -> list[Visit]:
    """Open one address, and on the page of customers wait for their flows too."""
    flows = [one for one in dependencies if one["output"] == FLOWS_OUTPUT]
    others = [one for one in dependencies if one["output"] != FLOWS_OUTPUT]
    name = visit_name(path, search)
    seen = [timed(port, others, path, search, name)]
    return [*seen, timed(port, flows, path, search, f"{name} flows")] if path == "/customers" else seen


def user(
    port: int,
    dependencies: Sequence[dict[str, Any]],
    people: People,
    seed: int,
    *,
    seconds: float,
    pause: float,
) -> list[Visit]:
    """What one user saw in ``seconds``."""
    draw = np.random.default_rng(seed)
    time.sleep(draw.random() * pause)
    ends, visits = time.monotonic() + seconds, list[Visit]()
    while time.monotonic() < ends:
        path = PAGES[draw.integers(len(PAGES))].path
        choices = [("",), people.choices, searches_into(path, people.customers) or ("",)]
        search = str(draw.choice(choices[draw.integers(len(choices))]))
        visits += visits_of(port, dependencies, path, search)
        time.sleep(pause * (0.5 + draw.random()))
    return visits


def searches_into(path: str, customers: Sequence[str]) -> tuple[str, ...]:
    """Addresses that go into a page."""
    return tuple(f"?customer={name}" for name in customers) if path in OF_CUSTOMERS else INSIDE.get(path, ())


def people_of(lake: Path) -> People:
    """Subscribers with traffic, the first of them by their tokens, which follow no order of theirs, and segments."""
    reader = open_reader(load_settings("local", [f"lake.root={lake}"]))
    sql = f"SELECT DISTINCT customer FROM customers_by_day WHERE {SUBSCRIBER} ORDER BY customer LIMIT {CUSTOMERS}"
    names: list[str] = reader.query(sql, [], [CUSTOMERS_BY_DAY.name]).get_column("customer").to_list()
    return People(names, options(reader)["segment"])


def read_dependencies(port: int) -> list[dict[str, Any]]:
    """The callbacks that are measured."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_dash-dependencies")
    return measured(json.loads(connection.getresponse().read()))


def measured(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all callbacks the two that every address sets off, and the one that reads flows."""
    return [one for one in found if one["output"] == FLOWS_OUTPUT or any(name in one["output"] for name in OUTPUTS)]


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
    models = f"mlflow.tracking_uri=sqlite:///{Path('mlflow.db').resolve()}"
    people = people_of(given.lake)
    with tempfile.TemporaryDirectory() as folder, running_server(given.lake, Path(folder) / "log", models) as address:
        port = int(address.rsplit(":", 1)[1])
        dependencies = read_dependencies(port)
        for page in PAGES:
            for search in ("", *searches_into(page.path, people.customers[:1])):
                for first in visits_of(port, dependencies, page.path, search):
                    lack = "" if first.is_whole else "  not whole: a table or a model is missing"
                    sys.stdout.write(f"first {first.name:30} {first.seconds * 1000:8.0f} ms{lack}\n")
        with ThreadPoolExecutor(given.users) as pool:
            users = [
                pool.submit(user, port, dependencies, people, seed, seconds=given.seconds, pause=given.pause)
                for seed in range(given.users)
            ]
            visits = [one for finished in users for one in finished.result()]
    report(visits, given.users)
    return 0


def report(visits: Sequence[Visit], users: int) -> None:
    """Print p50 and p95 of each page, and of each way into it."""
    sys.stdout.write(f"{users} users, {len(visits)} visits\n{'page':30} {'visits':>6} {'p50 ms':>8} {'p95 ms':>8}\n")
    for name in sorted({one.name for one in visits}):
        taken = [one.seconds for one in visits if one.name == name]
        p50, p95 = statistics.median(taken) * 1000, percentile(taken, 0.95)
        sys.stdout.write(f"{name:30} {len(taken):6} {p50:8.0f} {p95:8.0f}\n")


if __name__ == "__main__":
    sys.exit(main())
