"""Two days beside the two before them: numbers by hand, a segment that is silent on one day, a category once small."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose
from telflow.dashboard.page import Answer
from tests.dashboard import lakes
from tests.dashboard.lakes import FIRST, THEN, write
from tests.dashboard.test_compare import tile_changes, with_minimum
from tests.dashboard.test_pages import figures, grids, parts, text_of

DAYS = tuple(FIRST + timedelta(days=at) for at in range(4))
NOW = f"?from={DAYS[2]}&to={DAYS[3]}"
# Of each of the four days:
LOADS = (200, 250, 300, 400)  # the network's in every five minutes from noon to one; until two it is half of that
LATE_BYTES = (8, 8, 10, 0)  # of each of the 20 customers of the segment late, all from noon: silent on the last day
OF_NO_SERVICE = (4, 4, 12, 12)  # customers of the category unassigned
WEBS = (1, 1, 2, 2)  # bytes of the web for one of what is unassigned


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of 30 customers in office and 20 in late, and recommendations of two dates."""
    root = tmp_path_factory.mktemp("two-periods")
    for at, day in enumerate(DAYS):
        lakes.write_traffic(root, day, *["web"] * WEBS[at], "unassigned")
        write(root, tables.SCOPE_LOAD, load_rows(day, LOADS[at]))
        write(root, tables.CUSTOMER_DAILY, customer_rows(day, LATE_BYTES[at], OF_NO_SERVICE[at]))
    write(root, tables.CUSTOMER_SEGMENTS, [
        {"as_of": DAYS[3], "customer": f"sub_{number:02}", "segment": "office" if number < 30 else "late"}
        for number in range(50)
    ])  # fmt: skip
    write(root, tables.SUBSCRIBERS, lakes.subscriber_rows())
    write(root, tables.PLAN_FIT, lakes.two_dates([row for row in lakes.fit_rows() if row["customer"] != lakes.NEW]))
    write(root, tables.RECOMMENDATIONS, [as_it_was(row) for row in lakes.two_dates(lakes.offer_rows())])
    return root


def load_rows(day: date, load: int) -> list[dict[str, Any]]:
    noon = datetime.combine(day, time(20), UTC)  # of America/Vancouver
    return [
        {"local_date": day, "scope_kind": kind, "scope": scope, "sample_start": noon + timedelta(minutes=after),
         "sample_seconds": 300, "bytes": load if after < 60 else load // 2}
        for kind, scope in [("network", "all"), ("category", "unassigned")] for after in range(0, 120, 5)
    ]  # fmt: skip


def customer_rows(day: date, late_bytes: int, of_no_service: int) -> list[dict[str, Any]]:
    used = [5] * 30 + ([late_bytes] * 20 if late_bytes else [])
    return [
        {"local_date": day, "customer": f"sub_{number:02}", "customer_basis": "lease", "plan": "basic",
         "region": "metro", "bytes_down": volume, "bytes_by_hour": [0] * 12 + [volume],
         "bytes_by_category": [("web", volume), *([("unassigned", 1)] if number < of_no_service else [])]}
        for number, volume in enumerate(used)
    ]  # fmt: skip


def as_it_was(row: dict[str, Any]) -> dict[str, Any]:
    """A recommendation; as of ``THEN`` one customer's was dearer, and for another all was well as it is."""
    others: dict[str, dict[str, Any]] = {
        "sub_basic00": {"price_difference": 40.0}, "sub_basic02": {"kind": "no change"},
    }  # fmt: skip
    return {**row, **others.get(row["customer"], {})} if row["as_of"] == THEN else row


@pytest.fixture(scope="module")
def two_periods(lake: Path) -> Services:
    return with_minimum(lake, 10)


def changes(answer: Answer) -> dict[str, str]:
    """The change that each tile tells, without the words for what it is since."""
    return {name: re.sub("(?<=%).*", "", told) for name, told in tile_changes(answer.content).items()}


def values(answer: Answer) -> dict[str, str]:
    """The number of each tile."""
    tiles = [part.children for part in parts(answer.content) if type(part).__name__ == "Dl"]
    return {label.children: value.children for label, value, *_ in tiles}


@pytest.mark.parametrize("path", ["/", "/categories", "/peaks"])
def test_what_was_small_in_the_days_before_is_refused_beside_them_alone(path: str, two_periods: Services) -> None:
    alone = compose(two_periods, path, f"{NOW}&category=unassigned")
    beside = compose(two_periods, path, f"{NOW}&category=unassigned&compare=1")
    assert figures(alone)
    assert (figures(beside), grids(beside)) == ([], [])
    assert "too small to be shown" in text_of(beside)


@pytest.mark.parametrize(("minimum", "told"), [(10, "no registered service"), (4, "\N{MINUS SIGN}16.7 points")])
def test_the_unclassified_share_of_then_is_hidden_where_few_had_it_then(minimum: int, told: str, lake: Path) -> None:
    answer = compose(with_minimum(lake, minimum), "/", f"{NOW}&compare=1")
    assert values(answer)["Unclassified share"] == "33.3 %"  # of twelve customers; 50 % of four then
    assert f"of bytes, {told}" in text_of(answer)


@pytest.mark.parametrize(
    ("search", "label", "told"),
    [("", "Busy hour", "+60.0 %"), ("&segment=late", "Busy clock hour", "+25.0 %")],  # 4,800 on 3,000; 200 on 160
)
def test_the_busy_hour_of_the_overview_tells_its_change(
    search: str, label: str, told: str, two_periods: Services
) -> None:
    found = changes(compose(two_periods, "/", f"{NOW}&compare=1{search}"))
    assert {name: change for name, change in found.items() if name.startswith("Busy")} == {label: told}


def test_peak_times_tell_their_change_on_the_days_before(two_periods: Services) -> None:
    assert changes(compose(two_periods, "/peaks", f"{NOW}&compare=1")) == {
        "Busy hour": "+60.0 %",  # 12 times 400 on 12 times 250
        "ADPH": "+55.6 %",  # 12 times 350 on 12 times 225
        "TCBH": "+55.6 %",
        "p95": "+60.0 %",  # the 29th of 576 samples: 200 on 125
        "Mean": "+55.6 %",  # 18 times 700 on 18 times 450, over 576 samples
    }


def test_means_of_a_segment_are_over_the_days_of_the_network(two_periods: Services) -> None:
    answer = compose(two_periods, "/peaks", f"{NOW}&segment=late&compare=1")
    found = values(answer)
    assert (found["Busy clock hour"], found["ADPH"], found["TCBH"]) == ("200 B", "100 B", "100 B")
    assert changes(answer) == {
        "Busy clock hour": "+25.0 %",  # 200 on 160
        "ADPH": "\N{MINUS SIGN}37.5 %",  # 100 on 160
        "TCBH": "\N{MINUS SIGN}37.5 %",
        "p95": "no earlier value",  # nothing
        "Mean": "\N{MINUS SIGN}37.5 %",
    }


def test_categories_of_a_segment_have_a_zero_on_its_silent_day(two_periods: Services) -> None:
    rows = grids(compose(two_periods, "/categories", f"{NOW}&segment=late"))[0]
    found = [(row["name"], row["least"], row["mean"], row["most"], row["total"]) for row in rows]
    assert found == [("web", 0, 100, 200, 200)]


def test_the_headline_of_then_is_of_the_recommendations_of_then(two_periods: Services) -> None:
    answer = compose(two_periods, "/recommendations", "?compare=1")
    assert changes(answer) == {
        "Customers": "+7.5 %",  # 57 on 53
        "With an offer": "+20.0 %",  # 30 on 25: sub_basic02 had none
        "May be approached": "+25.0 %",  # 15 on 12
        "No change": "\N{MINUS SIGN}3.6 %",  # 27 on 28
        "Without any": "no earlier value",  # nobody
    }
    assert values(answer)["Expected effect"] == "+180"  # 15 times 16 at 0.75
    assert "was +162" in text_of(answer)  # 11 times 16 and sub_basic00's 40, at 0.75
