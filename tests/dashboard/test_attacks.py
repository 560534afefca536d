"""What somebody who wants to know of a few would try: subtract what is shown, narrow filters, read the responses."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose, open_services
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import View
from telflow.dashboard.pages import PAGES, level_list, overview, segments
from telflow.dashboard.pages.recommendations import told_kinds
from telflow.dashboard.queries import customers, traffic, types
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import FIRST, lake_settings, write
from tests.dashboard.test_pages import figures, grids, parts, text_of

MINIMUM = 10
DAYS = [FIRST, FIRST + timedelta(days=1)]
PERIOD = Period(*DAYS)
CATEGORIES, PLANS, REGIONS = ("chess", "email", "web"), ("basic", "plus", "ultra"), ("metro", "north")
SEGMENTS = ("early", "late")
COUNTS = {  # customers by plan and region, some of them few
    ("basic", "metro"): 40, ("basic", "north"): 25, ("plus", "metro"): 22, ("plus", "north"): 4,
    ("ultra", "metro"): 13, ("ultra", "north"): 11,
}  # fmt: skip
NAMES = {"categories": "category", "plans": "plan", "regions": "region", "segments": "segment"}
Cell = tuple[str, str]  # a customer and a category


def people() -> list[tuple[str, str, str, str]]:
    """Token, plan, region and segment of each customer: few of the late ones are on ultra."""
    found = []
    for (plan, region), number_of in COUNTS.items():
        for number in range(number_of):
            is_late = number < 3 if plan == "ultra" else number % 2
            found.append((f"sub_{plan}{region}{number:02}", plan, region, SEGMENTS[bool(is_late)]))
    return found


def categories_of(token: str, day: int) -> list[str]:
    """Everybody uses the web, half of them email; chess is played by a few, and on the second day by fewer."""
    number = int(token[-2:])
    played = number < (4 if day == 0 else 1)
    return ["web", *(["email"] if number % 2 else []), *(["chess"] if played else [])]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Services:
    root = tmp_path_factory.mktemp("attacked")
    write(root, tables.CUSTOMER_DAILY, [
        {"local_date": day, "customer": token, "customer_basis": "lease", "plan": plan, "region": region,
         "bytes_up": 1, "bytes_down": 9, "bytes_by_category": [(name, 10) for name in categories_of(token, at)]}
        for at, day in enumerate(DAYS) for token, plan, region, _ in people()
    ])  # fmt: skip
    write(root, tables.CUSTOMER_SEGMENTS, [
        {"as_of": DAYS[1] + timedelta(days=1), "customer": token, "segment": segment, "distance": 1.0,
         "model": "m", "model_version": "1"}
        for token, _, _, segment in people()
    ])  # fmt: skip
    settings = lake_settings(root, f"dashboard.min_group_customers={MINIMUM}")
    return open_services(open_reader(settings), settings, PAGES)


def subsets(values: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every choice of a filter; none chooses all."""
    return chain.from_iterable(combinations(values, size) for size in range(len(values) + 1))


def filters_of(chosen: Mapping[str, tuple[str, ...]]) -> Filters:
    """The filters of a choice."""
    found = Filters()
    for name, values in chosen.items():
        found = found.choosing(NAMES[name], values)
    return found


def chosen_cells(chosen: Mapping[str, tuple[str, ...]], day: int) -> set[Cell]:
    """Customers and categories whose bytes are in what a choice shows of a day."""
    return {
        (token, category)
        for token, plan, region, segment in people()
        if plan in (chosen.get("plans") or PLANS)
        and region in (chosen.get("regions") or REGIONS)
        and segment in (chosen.get("segments") or SEGMENTS)
        for category in categories_of(token, day)
        if category in (chosen.get("categories") or CATEGORIES)
    }


CHOICES = {
    "traffic": [
        {"categories": category, "plans": plan, "regions": region}
        for category, plan, region in product(subsets(CATEGORIES), subsets(PLANS), subsets(REGIONS))
    ],
    "customers": [
        {"plans": plan, "regions": region, "segments": segment}
        for plan, region, segment in product(subsets(PLANS), subsets(REGIONS), subsets(SEGMENTS))
    ],
}


@pytest.mark.parametrize("which", sorted(CHOICES))
def test_no_difference_of_two_choices_is_of_few(which: str, attacked: Services) -> None:
    told = [
        chosen
        for chosen in CHOICES[which]
        if not customers.is_too_small(attacked.reader, filters_of(chosen), PERIOD, MINIMUM)
    ]
    assert 5 < len(told) < len(CHOICES[which])
    for day in range(len(DAYS)):
        cells = [chosen_cells(chosen, day) for chosen in told]
        for (less, narrow), (more, wide) in product(zip(told, cells, strict=True), repeat=2):
            if narrow < wide:
                few = {token for token, _ in wide - narrow}
                assert len(few) >= MINIMUM, f"{more} less {less} on day {day} is {len(few)} customers"


@pytest.mark.parametrize("which", sorted(CHOICES))
def test_no_choice_is_of_few(which: str, attacked: Services) -> None:
    for chosen in CHOICES[which]:
        if not customers.is_too_small(attacked.reader, filters_of(chosen), PERIOD, MINIMUM):
            for day in range(len(DAYS)):
                seen = {token for token, _ in chosen_cells(chosen, day)}
                assert not 0 < len(seen) < MINIMUM, f"{chosen} is {len(seen)} customers on day {day}"


@pytest.fixture(scope="module")
def ported(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Ports of which one has too few customers on one of two days."""
    root = tmp_path_factory.mktemp("ported")
    cells = [(80, "http", 40, 3), (443, "https", 50, 50), (8008, "http-alt", 20, 20), (8080, "http-alt", 12, 12)]
    write(root, tables.TRAFFIC_TYPES, [
        {"event_date": day, "flow_end": "dst", "is_server": True, "protocol": 6, "port": port, "service": service,
         "category": "web", "customers": number_of[at], "flows": 100, "bytes": port * 10 ** (6 * at)}
        for at, day in enumerate(DAYS)
        for port, service, *number_of in cells
    ])  # fmt: skip
    write(root, tables.IANA_PROTOCOLS, [{"registry_version": "1", "protocol": 6, "keyword": "tcp"}])
    settings = lake_settings(root)
    return open_services(open_reader(settings), settings, PAGES)


def volumes(services: Services, first: int, last: int) -> dict[int, int]:
    """Bytes by port as the page shows them of some days."""
    period = Period(DAYS[first], DAYS[last])
    rows = types.types_of(services.reader, "dst", Filters(), period, MINIMUM)
    return {port: volume for port, _, _, volume, _ in rows.iter_rows()}


def test_a_day_of_few_cannot_be_had_from_two_periods(ported: Services) -> None:
    both, first, second = volumes(ported, 0, 1), volumes(ported, 0, 0), volumes(ported, 1, 1)
    assert first == {80: 80, 443: 443, 8008: 8008, 8080: 8080}
    assert second == {443: 443_000_000, 8008: 8_008_000_000}  # 8080 as well: the day's total would tell of port 80
    assert both == {port: first[port] + second.get(port, 0) for port in first}


def test_a_service_of_few_on_any_day_is_hidden_with_another(ported: Services) -> None:
    assert types.hidden_services(ported.reader, PERIOD, MINIMUM) == {("web", "http"), ("web", "http-alt")}
    assert types.hidden_services(ported.reader, Period(DAYS[0], DAYS[0]), MINIMUM) == set()


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_no_table_holds_more_than_its_columns(path: str, services: Services) -> None:
    for search in ("", "?within=web", "?within=web&service=https", "?customer=sub_basic00"):
        for part in parts(compose(services, path, search).content):
            if type(part).__name__ == "AgGrid":
                shown = {column["field"] for column in part.columnDefs} | {"pick", "link"}
                assert all(set(row) <= shown for row in part.rowData)


def strict_of(services: Services, minimum: int) -> Services:
    """The same lake with another minimum."""
    settings = lake_settings(Path(services.settings.lake.root), f"dashboard.min_group_customers={minimum}")
    return open_services(open_reader(settings), settings, PAGES)


def test_labels_of_few_customers_are_not_shown_by_choosing_their_category(services: Services) -> None:
    answer = compose(strict_of(services, 59), "/reclassification", "?category=web")
    assert (figures(answer), grids(answer)) == ([], [])
    assert "too small to be shown" in text_of(answer)


def test_the_unclassified_share_does_not_tell_of_a_hidden_category(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View(services.reader, services.settings, Filters(), PERIOD)
    now = traffic.Totals(bytes=300, packets=3, flows=3, unclassified_bytes=100)
    assert overview.unclassified(view, now, PERIOD) == pytest.approx(1 / 3)
    for hidden, told in (
        ({"unassigned", "gaming"}, None),
        ({"gaming", "web"}, 1 / 3),
        ({"unassigned", "dynamic"}, 1 / 3),
    ):
        monkeypatch.setattr(customers, "hidden_categories", lambda *_, hidden=hidden: hidden)
        assert overview.unclassified(view, now, PERIOD) == (told and pytest.approx(told))


def test_kinds_of_few_are_hidden_and_so_are_few_beside_those_who_may_be_approached() -> None:
    columns: dict[str, Any] = {
        "kind": ["plan up", "no change", "service", "retention"],
        "customers": [100, 90, 30, 4],
        "approachable": [95, 0, 15, 1],
    }
    told = told_kinds(pl.DataFrame(columns), MINIMUM).to_dicts()
    assert [(row["customers"], row["approachable"]) for row in told] == [
        (100, None), (90, 0), (None, None), (None, None)
    ]  # fmt: skip


def test_an_export_holds_nothing_that_the_page_would_not_list(services: Services) -> None:
    strict = strict_of(services, 30)
    for level in ("Potential Sales", "Require Upgrade", "", "nothing"):
        answer = level_list.exported(segments.PAGE, strict.reader, strict.settings, f"?level={level}")
        assert not isinstance(answer, dict)
    for search in ("?level=Potential+Sales&segment=office", "?segment=office&level=Potential+Sales&plan=ultra"):
        listed = compose(services, "/segments", search)
        told = level_list.exported(segments.PAGE, services.reader, services.settings, search)
        is_listed = any("usage" in row for rows in grids(listed) for row in rows)
        assert isinstance(told, dict) == is_listed
