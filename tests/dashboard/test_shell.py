"""What stands around a page: one main part, names for every input, and on paper what the page was chosen to show."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from telflow.dashboard.compose import Services, compose
from telflow.dashboard.filters import FILTERS
from telflow.dashboard.pages import PAGES
from telflow.dashboard.pages.customer_flows import flow_cards
from telflow.dashboard.shell import LABELS, filter_id, heading, shell
from tests.dashboard.test_customers import ONE, view_of
from tests.dashboard.test_pages import parts

INPUTS = ("TextInput", "Select", "MultiSelect", "DatePickerInput", "Switch", "Burger", "NumberInput", "Checkbox")
WAYS_IN = ["", f"?customer={ONE}", "?within=web", "?level=Potential+Sales"]


def document(services: Services) -> list[Any]:
    return list(parts(shell(services.settings.dashboard, None)))


def kinds(found: Iterator[Any] | list[Any]) -> list[str]:
    return [type(part).__name__ for part in found]


def test_there_is_one_main_part_and_the_way_to_it(services: Services) -> None:
    found = document(services)
    assert kinds(found).count("AppShellMain") == 1
    assert "Main" not in kinds(found)
    goal = next(part for part in found if getattr(part, "id", None) == "main")
    skip = next(part for part in found if getattr(part, "className", None) == "skip")
    assert (goal.tabIndex, skip.href) == (-1, "#main")
    main = next(part for part in found if type(part).__name__ == "AppShellMain")
    assert goal in list(parts(main))


@pytest.mark.parametrize("search", WAYS_IN)
@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_a_page_adds_no_main_part_and_every_input_has_a_name(path: str, search: str, services: Services) -> None:
    found = [*document(services), *parts(compose(services, path, search).content)]
    assert kinds(found).count("AppShellMain") + kinds(found).count("Main") == 1
    named = [
        getattr(part, "label", None) or getattr(part, "aria-label", None)
        for part in found
        if type(part).__name__ in INPUTS
    ]
    assert len(named) >= len(FILTERS)
    assert all(named)
    assert all(getattr(part, "aria-label", None) for part in found if type(part).__name__ in ("Nav", "AppShellNavbar"))
    assert all(part.children for part in found if type(part).__name__ == "Button")


def test_every_filter_is_in_the_bar(services: Services) -> None:
    labels = {part.id: part.label for part in document(services) if str(getattr(part, "id", "")).startswith("filter-")
              and hasattr(part, "label")}  # fmt: skip
    assert labels == {filter_id(name): LABELS[name] for name in FILTERS}


def clickable(found: list[Any]) -> dict[str, str]:
    """Role of the part around each figure that is clicked, by what a click sets."""
    around = [part for part in found if type(getattr(part, "children", None)).__name__ == "Graph"]
    return {part.children.id["parameter"]: part.role for part in around if isinstance(part.children.id, dict)}


@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_what_is_clicked_is_no_image_and_has_another_way(path: str, services: Services) -> None:
    answer = compose(services, path, "")
    found = list(parts(answer.content))
    for parameter, role in clickable(found).items():
        assert role == "group"
        rows = [part for part in found if type(part).__name__ == "AgGrid" and isinstance(part.id, dict)]
        links = [part.href for part in found if type(part).__name__ == "Link"]
        is_filter = parameter in FILTERS and parameter not in answer.reasons
        by_row = any(grid.id["parameter"] == parameter for grid in rows)
        assert is_filter or by_row or any(f"{parameter}=" in link for link in links), parameter


def test_destinations_can_be_had_without_a_pointer(services: Services) -> None:
    content = flow_cards(view_of(services, customer=ONE, destination="198.51.100.0/24"))
    links = {part.children: (part.href, "is-chosen" in part.className) for part in parts(content)
             if type(part).__name__ == "Link"}  # fmt: skip
    assert links == {
        "all": (f"/customers?customer={ONE}", False),
        "198.51.100.0/24": (f"/customers?customer={ONE}&destination=198.51.100.0%2F24", True),
        "other destinations": (f"/customers?customer={ONE}&destination=other+destinations", False),
    }
    assert clickable(list(parts(content))) == {"destination": "group"}


def printed(services: Services, path: str, search: str) -> str:
    """The line that only paper shows."""
    page = services.page(path)
    lines = parts(heading(page, compose(services, path, search)))
    return next(str(part.children) for part in lines if getattr(part, "className", "") == "print-only")


@pytest.mark.parametrize(
    ("path", "search", "told"),
    [
        ("/", "", "Tue 20 Feb 2024 to Mon 18 Mar 2024"),
        ("/", "?category=web&category=gaming&zone=utc&tier=High",
         "Tue 20 Feb 2024 to Mon 18 Mar 2024 · Time zone: UTC · Category: gaming, web"),
        ("/", "?from=2024-03-05&to=2024-03-11&compare=1&region=metro&segment=office",
         "Tue 5 Mar 2024 to Mon 11 Mar 2024 · Region: metro · Segment: office · "
         "Compared with Tue 27 Feb 2024 to Mon 4 Mar 2024"),
        ("/peaks", "?tier=High&plan=basic&zone=utc", "Tue 20 Feb 2024 to Mon 18 Mar 2024 · Tier: High"),
        ("/customers", f"?customer={ONE}&destination=x",
         f"Tue 20 Feb 2024 to Mon 18 Mar 2024 · Customer: {ONE} · Destination: x"),
        ("/customers", "?segment=office&compare=1", "Tue 20 Feb 2024 to Mon 18 Mar 2024 · Segment: office"),
        ("/segments", "?compare=1", "Tue 20 Feb 2024 to Mon 18 Mar 2024 · Compared with an earlier date"),
    ],
)  # fmt: skip
def test_paper_says_what_it_is_of(path: str, search: str, told: str, services: Services) -> None:
    assert printed(services, path, search) == told


@pytest.mark.parametrize(
    ("path", "is_utc"), [("/peaks", True), ("/peaks?segment=office", False), ("/customers", False)]
)
def test_days_are_told_in_the_zone_they_are_of(path: str, is_utc: bool, services: Services) -> None:
    page, _, search = path.partition("?")
    assert compose(services, page, f"?zone=utc&{search}").is_utc == is_utc


def test_a_tile_tells_the_change_against_the_week_before(services: Services) -> None:
    answer = compose(services, "/", "?from=2024-03-05&to=2024-03-11&compare=1")
    tiles = {part.children[0].children: part.children for part in parts(answer.content) if type(part).__name__ == "Dl"}
    change = next(part for part in tiles["Volume"] if getattr(part, "className", "") == "tile-change")
    hours = [10 if hour == 20 else 1 + hour % 3 for hour in range(24)]
    before, now = 7 * sum(hours), 6 * sum(hours) + sum(hours[:23])  # 10 March has 23 hours
    assert [now / before, change.children[0].children, change.children[1]] == [
        pytest.approx(0.9922, abs=1e-4), "▼ ", "\N{MINUS SIGN}0.8 % on the previous period",
    ]  # fmt: skip


def test_no_page_has_no_days_to_tell(services: Services) -> None:
    assert len(list(parts(heading(None, compose(services, "/nowhere", ""))))) == 1


def test_days_are_told_where_the_lake_has_none(services: Services) -> None:
    assert printed(services, "/", "?from=2020-01-01&to=2020-01-02") == "Wed 1 Jan 2020 to Thu 2 Jan 2020"
    assert date(2020, 1, 1).strftime("%a") == "Wed"
