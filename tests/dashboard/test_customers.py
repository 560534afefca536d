"""The page of customers: talkers, one customer, destinations, and what of them may be seen."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose
from telflow.dashboard.figures.churn import reasons_figure
from telflow.dashboard.figures.profile import mix_figure, weeks_figure
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import View
from telflow.dashboard.pages import customer_flows, customers, overview
from telflow.dashboard.queries import customers as people
from telflow.dashboard.queries import destinations, talkers
from telflow.dashboard.readers import open_reader
from telflow.prefixes import prefix_of
from tests.dashboard.lakes import ADDRESS, lake_settings, write
from tests.dashboard.test_pages import LOOK, figures, grids, parts, text_of

PERIOD = Period(date(2024, 3, 9), date(2024, 3, 10))
ONE = "sub_basic00"


def view_of(services: Services, **parameters: str) -> View:
    return View(services.reader, services.settings, Filters().with_parameters(**parameters), PERIOD)


def rows_of(content: list[Any]) -> list[list[dict[str, Any]]]:
    return [part.rowData for part in parts(content) if type(part).__name__ == "AgGrid"]


def test_talkers_are_subscribers_and_addresses_stand_apart(services: Services) -> None:
    first = grids(compose(services, "/customers", ""))[0]
    assert len(first) == 10
    assert all(row["customer"].startswith("sub_") and row["pick"] == row["customer"] for row in first)
    apart = grids(compose(services, "/customers", "?who=addresses"))[0]
    assert [(row["customer"], row["bytes"]) for row in apart] == [(ADDRESS, 3 * 28)]


@pytest.mark.parametrize("search", ["?plan=ultra", "?plan=ultra&segment=office", "?plan=basic&plan=plus"])
def test_a_small_group_has_no_talkers(search: str, services: Services) -> None:
    answer = compose(services, "/customers", search)
    assert (figures(answer), grids(answer)) == ([], [])
    assert "too small to be shown" in text_of(answer)


def test_a_segment_chooses_its_customers(services: Services) -> None:
    found = grids(compose(services, "/customers", "?segment=office"))[0]
    assert found
    assert all(int(row["customer"][-2:]) % 2 for row in found)


def test_one_customer_is_told_in_full(services: Services) -> None:
    answer = compose(services, "/customers", f"?customer={ONE}")
    told = text_of(answer)
    for word in (
        "9.00",
        "252 kB",
        "28.0 kB",
        "evening streaming",
        "1.0 % to leave within 14 days: not at",
        "because plan up",
    ):
        assert word in told
    assert "Use is rising: +10.0 % a week, sure to 95.0 %." in told
    scores, trends = grids(answer)
    assert [(row["scheme"], row["level"]) for row in scores] == [
        ("RFM", "loyal"), ("RFM_R", "loyal"), ("UFM", "Potential Sales"),
    ]  # fmt: skip
    assert {row["category"]: row["told"] for row in trends}["gaming"] == "too little volume"
    for figure in figures(answer):
        go.Figure(figure)


def test_what_is_not_told_of_a_trend_is_not_called_hidden_nor_new(services: Services) -> None:
    content = compose(services, "/customers", f"?customer={ONE}").content
    table = next(part for part in parts(content) if getattr(part, "id", "") == "customer-trends")
    kinds = {one["field"]: one.get("valueFormatter", {}).get("function", "") for one in table.columnDefs}
    assert kinds == {
        "category": "", "told": "", "growth_per_week": "telflow.told_change(params.value)",
        "confidence": "telflow.told_share(params.value)", "recent_share": "telflow.told_share(params.value)",
        "share_shift": "telflow.told_points(params.value)",
    }  # fmt: skip


def test_what_a_category_does_not_narrow_is_said(services: Services) -> None:
    of_one = text_of(compose(services, "/customers", f"?customer={ONE}&category=web"))
    assert "252 kB" in of_one
    assert "are of all categories" in of_one
    assert "are of all categories" not in text_of(compose(services, "/customers", f"?customer={ONE}"))


def test_weeks_are_named_below_their_bars() -> None:
    starts = [date(2024, 1, 2) + timedelta(days=7 * number) for number in range(27)]
    few = weeks_figure({"week_starts": starts[:13], "weekly_bytes": [1] * 13}, LOOK)["layout"]["xaxis"]
    many = weeks_figure({"week_starts": starts, "weekly_bytes": [1] * 27}, LOOK)["layout"]["xaxis"]
    assert few["tickvals"] == starts[:13]
    assert many["tickvals"] == starts[::3]


def test_an_address_is_named_as_one_and_has_no_scores(services: Services) -> None:
    told = text_of(compose(services, "/customers", f"?customer={ADDRESS}"))
    assert "not a subscriber" in told
    assert "No score up to these days" in told


def test_an_unknown_token_is_told(services: Services) -> None:
    assert "no such customer" in text_of(compose(services, "/customers", "?customer=sub_nowhere"))


def test_filters_that_say_nothing_of_one_customer_are_told(services: Services) -> None:
    answer = compose(services, "/customers", f"?customer={ONE}&plan=plus")
    assert any("plan filter was not used" in problem for problem in answer.problems)


def test_flows_are_the_customers_by_lease_and_rare_networks_are_not_named(services: Services) -> None:
    content = customer_flows.flow_cards(view_of(services, customer=ONE))
    figure = next(part.figure for part in parts(content) if type(part).__name__ == "Graph")
    assert dict(zip(figure["data"][0]["y"], figure["data"][0]["x"], strict=True)) == {
        "198.51.100.0/24": 4_000, destinations.OTHERS: 2_000,
    }  # fmt: skip
    assert "203.0.113" not in str(content)
    types = {row["type"]: (row["service"], row["bytes"], row["flows"]) for row in rows_of(content)[0]}
    assert types == {"443tcp": ("https", 2_000, 2), "3074tcp": ("xbox", 2_000, 2), "40000tcp": ("unassigned", 2_000, 2)}


def test_a_destination_leaves_its_traffic_types_alone(services: Services) -> None:
    content = customer_flows.flow_cards(view_of(services, customer=ONE, destination=destinations.OTHERS))
    assert [row["type"] for row in rows_of(content)[0]] == ["3074tcp"]


@pytest.mark.parametrize(
    "asked",
    [{}, {"search": "?customer=198.51.100.7"}, {"search": "?customer=sub_nobody"}, {"search": "?plan=ultra"},
     {"search": "?plan=plus&category=web"}],
)  # fmt: skip
def test_flows_can_be_asked_for_only_as_an_address_shows_them(asked: dict[str, str], services: Services) -> None:
    content = customer_flows.flow_cards(
        customer_flows.asked_view(asked, customers.PAGE, services.reader, services.settings)
    )
    assert bool(content) == (asked == {})


def test_the_talkers_flows_are_one_sum(services: Services) -> None:
    content = customer_flows.flow_cards(view_of(services))
    assert sum(row["flows"] for row in rows_of(content)[0]) == 10 * 3 * 2


def test_flows_of_an_unheld_address_are_nobodys_else(services: Services) -> None:
    traffic = destinations.traffic_of(services.reader, ["ip_sub_basic00"], Filters(), PERIOD, "America/Vancouver")
    assert traffic.height == 0


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:5:1:2:3:4:5", "2001:db8:5::/48"),
        ("2001:db8::1", "2001:db8::/48"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8::/48"),
        ("2001::5", "2001::/48"),
        ("::1", "::/48"),
    ],
)
def test_addresses_are_cut_to_their_network(address: str, prefix: str, services: Services) -> None:
    found = services.reader.query(f"SELECT {prefix_of('a')} AS p FROM (SELECT ? AS a) t", [address], [])
    assert found.item() == prefix


def test_tokens_are_found_by_a_part_and_nothing_else_is(services: Services) -> None:
    assert talkers.matching(services.reader, " ULTRA0") == [f"sub_ultra0{number}" for number in range(4)]
    assert talkers.matching(services.reader, "%") == []
    assert talkers.matching(services.reader, "") == []
    assert customers.found_options("ultra03", ONE, services.reader) == [ONE, "sub_ultra03"]


def test_choosing_keeps_the_rest_of_the_address() -> None:
    assert customers.chosen_search(ONE, "?plan=plus&destination=x") == f"?plan=plus&customer={ONE}"
    assert customers.chosen_search(None, f"?customer={ONE}") == ""
    assert customers.chosen_search(ONE, f"?customer={ONE}") is None
    assert customers.chosen_search(None, "") is None


def test_addresses_are_counted_beside_subscribers(services: Services) -> None:
    seen = people.seen(services.reader, Filters(), PERIOD)
    assert (seen.subscribers, seen.addresses) == (58, 1)
    tile = overview.customers_tile(seen, None, 1)
    assert "58" in str(tile)
    assert "1 addresses without a lease" in str(tile)
    assert "no lease tells whose" in str(overview.customers_tile(people.Seen(0, 30), None, 10))


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (people.Seen(58, 9), None, ["58", "few addresses"]),
        (people.Seen(9, 12), None, ["hidden", "12 addresses"]),
        (people.Seen(0, 9), None, ["hidden"]),
        (people.Seen(58, 0), people.Seen(9, 0), ["58", "no earlier value"]),
    ],
)
def test_few_of_those_seen_are_hidden(now: people.Seen, before: people.Seen | None, told: list[str]) -> None:
    tile = str(overview.customers_tile(now, before, 10))
    assert all(part in tile for part in told)
    assert "9" not in tile


def test_reasons_stand_with_the_strongest_on_top() -> None:
    reasons = [("much", 0.08), ("little", -0.02)]
    bars = reasons_figure(reasons, LOOK)["data"][0]
    assert (bars["y"], bars["x"]) == (["little", "much"], [-2.0, 8.0])
    assert bars["text"] == ["\N{MINUS SIGN}2.0", "+8.0"]


def test_a_mix_keeps_the_bytes_and_its_rest_is_not_clickable() -> None:
    over = pl.DataFrame({"at": [date(2024, 1, 1)] * 3, "name": ["a", "b", "c"], "bytes": [4, 2, 1]})
    data = mix_figure(over, ["a"], LOOK)["data"]
    assert [(series["y"], series["customdata"]) for series in data] == [([4], ["a"]), ([3], [None])]


def test_an_address_in_the_clear_is_no_customer_of_the_page(tmp_path: Path) -> None:
    day = {"local_date": PERIOD.first, "customer_basis": "source", "plan": "none", "region": "none", "bytes_up": 9}
    write(tmp_path, tables.CUSTOMER_DAILY, [{**day, "customer": name} for name in ("198.51.100.7", "ip_own")])
    reader = open_reader(lake_settings(tmp_path))
    assert not talkers.is_known(reader, "198.51.100.7")
    assert talkers.matching(reader, "198") == []
    found = talkers.top_talkers(reader, Filters(), PERIOD, 10, are_subscribers=False)
    assert found.get_column("customer").to_list() == ["ip_own"]
