"""The address and the inputs follow each other, and a click sets what it stands for."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dash import no_update

from telflow.dashboard import compose
from telflow.dashboard.app import create_app
from telflow.dashboard.callbacks import picked_point, picked_row, with_pick
from telflow.dashboard.components import PICK_GRAPH, PICK_GRID
from telflow.dashboard.compose import Services, check_address
from telflow.dashboard.filter_callbacks import changed_inputs, chosen_filters, chosen_period, followed
from telflow.dashboard.filters import FILTERS, Filters, Period
from telflow.dashboard.page import Answer
from telflow.dashboard.pages import PAGES
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import lake_settings

WEEK = Period(date(2024, 3, 1), date(2024, 3, 7))
NEWEST = Answer([], Filters(), WEEK)  # the days are shown, no address names them
PICK_ADDRESS = "?category=web&tier=High"


def shown(told: list[Any]) -> dict[str, Any]:
    """Values of the inputs, by filter, in what ``followed`` gives out."""
    return dict(zip(FILTERS, told[3:], strict=False))


def described(told: list[Any]) -> dict[str, tuple[bool, str]]:
    """Whether each input is disabled, and why."""
    pairs = told[3 + len(FILTERS) : 3 + 3 * len(FILTERS)]
    return dict(zip(FILTERS, zip(pairs[::2], pairs[1::2], strict=True), strict=True))


@pytest.mark.parametrize(
    ("triggered", "changed"),
    [
        (["filter-category.value"], ["category"]),
        (["filter-compare.checked", "filter-date.value"], ["date", "compare"]),
        (["url.search", "filter-category.value"], []),
        (["url.pathname"], []),
        ([], []),
    ],
)
def test_inputs_are_heard_where_the_address_did_not_change(triggered: list[str], changed: list[str]) -> None:
    assert changed_inputs(dict.fromkeys(triggered)) == changed


@pytest.mark.parametrize(
    ("days", "period"),
    [
        (["2024-03-01", "2024-03-07"], None),
        (["2024-03-01", "2024-03-06"], Period(date(2024, 3, 1), date(2024, 3, 6))),
        ([None, None], None),
    ],
)
def test_the_newest_days_have_no_name_in_the_address(days: list[str | None], period: Period | None) -> None:
    assert chosen_period(days, NEWEST) == period


def test_days_that_the_address_names_stay_named() -> None:
    named = Answer([], Filters(period=WEEK), WEEK)
    assert chosen_period(["2024-03-01", "2024-03-07"], named) == WEEK


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"category": ["web", "gaming"]}, Filters(categories=("gaming", "web"), plans=("plus",))),
        ({"plan": []}, Filters()),
        ({"plan": None}, Filters()),
        ({"zone": "utc"}, Filters(zone="utc", plans=("plus",))),
        ({"zone": "mars"}, Filters(plans=("plus",))),
        ({"compare": True}, Filters(compare=True, plans=("plus",))),
        ({"date": ["2024-03-02", "2024-03-02"]}, Filters(Period(date(2024, 3, 2), date(2024, 3, 2)), plans=("plus",))),
        ({"date": None}, Filters(plans=("plus",))),
        ({"date": ["2024-03-02", None]}, None),
    ],
)
def test_what_was_chosen_goes_over_the_address(values: dict[str, Any], wanted: Filters | None) -> None:
    assert chosen_filters(values, NEWEST, Filters(plans=("plus",))) == wanted


def test_a_disabled_input_says_nothing() -> None:
    before = Answer([], Filters(), WEEK, reasons={"plan": "why"})
    assert chosen_filters({"plan": [], "region": ["metro"]}, before, Filters(plans=("plus",))) == Filters(
        plans=("plus",), regions=("metro",)
    )


def test_inputs_follow_the_address(services: Services) -> None:
    told = followed(services, "/", "?category=web&from=2024-03-01&to=2024-03-07&compare=1", {})
    assert told[:3] == [True, no_update, "/"]
    assert shown(told) == {
        "date": ["2024-03-01", "2024-03-07"], "zone": "local", "category": ["web"], "plan": [], "region": [],
        "segment": [], "compare": True,
    }  # fmt: skip
    assert described(told)["zone"] == described(told)["category"] == (False, "")
    of_segment = described(followed(services, "/", "?segment=office", {}))
    assert of_segment["zone"] == (True, "What customers use is kept by the provider's own days.")
    assert told[-2:] == ["2024-02-20", "2024-03-18"]


def test_the_address_follows_an_input(services: Services) -> None:
    told = followed(services, "/peaks", "?tier=High", {"compare": True})
    assert told[1:3] == ["?compare=1&tier=High", "/peaks"]
    assert shown(told)["compare"] is True
    assert described(told)["category"][0]


def test_an_input_that_says_what_the_address_says_changes_nothing(services: Services) -> None:
    assert followed(services, "/", "?category=web", {"category": ["web"]})[1] is no_update
    assert followed(services, "/", "?from=2024-03-01&to=2024-03-07", {"date": ["2024-03-02", None]})[1] is no_update


def test_a_made_up_path_leads_home(services: Services) -> None:
    assert followed(services, "//evil.example/", "", {})[2] == "/"


def test_inputs_wait_for_no_page(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a page was made")

    monkeypatch.setattr(compose, "content_of", fail)
    for page in PAGES:
        assert check_address(services, page.path, "?plan=plus").options["plan"] == ["basic", "plus", "ultra"]


def test_inputs_of_an_empty_lake_are_empty(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path)
    empty = compose.open_services(open_reader(settings), settings, PAGES)
    assert shown(followed(empty, "/", "?plan=plus", {}))["date"] == [None, None]


@pytest.mark.parametrize(
    ("click", "picked"),
    [
        ({"points": [{"customdata": "web"}]}, "web"),
        ({"points": [{"customdata": ["web", 3]}]}, "web"),
        ({"points": [{"customdata": None}]}, None),
        ({"points": [{"customdata": []}]}, None),
        ({"points": [{}]}, None),
        ({"points": [{"label": "office", "currentPath": "/", "customdata": "other"}]}, "office"),
    ],
)
def test_a_mark_stands_for_its_customdata(click: dict[str, Any], picked: str | None) -> None:
    assert picked_point(click) == picked


@pytest.mark.parametrize(
    ("row_id", "picked"), [("1", "b"), (0, "a"), ("2", None), ("7", None), ("-1", None), ("x", None), (None, None)]
)
def test_a_row_stands_for_its_pick(row_id: str | int | None, picked: str | None) -> None:
    assert picked_row({"rowId": row_id}, [{"pick": "a"}, {"pick": "b"}, {"name": "c"}]) == picked


@pytest.mark.parametrize(
    ("parameter", "value", "search"),
    [
        ("category", "gaming", "?category=gaming&tier=High"),
        ("category", "web", "?tier=High"),
        ("tier", "Low", "?category=web&tier=Low"),
        ("tier", "High", "?category=web"),
    ],
)
def test_a_second_click_takes_back_what_the_first_has_set(parameter: str, value: str, search: str) -> None:
    assert with_pick(PICK_ADDRESS, parameter, value, ("tier",)) == search


@pytest.mark.parametrize(
    ("kind", "prop", "value", "search"),
    [
        (PICK_GRAPH, "clickData", {"points": [{"customdata": "gaming"}]}, "?category=gaming&tier=High"),
        (PICK_GRID, "cellClicked", {"rowId": "1"}, "?category=voip&tier=High"),
        (PICK_GRID, "cellClicked", {"rowId": "9"}, None),
        (PICK_GRAPH, "clickData", None, None),
    ],
)
def test_a_click_changes_the_address(
    kind: str, prop: str, value: Any, search: str | None, dashboard_lake: Path
) -> None:
    client = create_app(lake_settings(dashboard_lake)).server.test_client()
    graph = {"type": PICK_GRAPH, "parameter": "category", "name": "one"}
    grid = {"type": PICK_GRID, "parameter": "category", "name": "two"}
    clicked = {PICK_GRAPH: graph, PICK_GRID: grid}[kind]
    every = [one for one in client.get("/_dash-dependencies").json if "clickData" in str(one["inputs"])]
    body = {
        "output": every[0]["output"],
        "outputs": {"id": "url", "property": "search"},
        "inputs": [
            [{"id": graph, "property": "clickData", "value": value if kind == PICK_GRAPH else None}],
            [{"id": grid, "property": "cellClicked", "value": value if kind == PICK_GRID else None}],
        ],
        "state": [
            [{"id": grid, "property": "rowData", "value": [{"pick": "web"}, {"pick": "voip"}]}],
            [{"id": grid, "property": "id", "value": grid}],
            {"id": "url", "property": "search", "value": PICK_ADDRESS},
        ],
        "changedPropIds": [f"{json.dumps(clicked, sort_keys=True, separators=(',', ':'))}.{prop}"],
    }
    answered = client.post("/_dash-update-component", json=body)
    assert answered.json["response"].get("url", {}).get("search") == search
