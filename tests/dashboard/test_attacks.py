"""What somebody who wants to know of a few would try: subtract what is shown, narrow filters, read the responses."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from telflow import tables
from telflow.dashboard.compose import Services, compose, open_services
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.page import View
from telflow.dashboard.pages import PAGES, level_list, overview, segments
from telflow.dashboard.pages.recommendation_fairness import fairness_shares
from telflow.dashboard.pages.recommendation_headline import headline_of, headline_tiles
from telflow.dashboard.pages.recommendations import told_kinds
from telflow.dashboard.queries import customers, traffic, types
from telflow.dashboard.queries.everybody import MEMBERS, OTHERS, Everybody
from telflow.dashboard.queries.recommendations import MAY_OFFER, NO_CHANGE, NOT_LOOKED_AT, OFFER, fairness, outcomes
from telflow.dashboard.readers import open_reader
from telflow.dashboard.units import HIDDEN
from telflow.privacy.suppression import Group
from tests.dashboard.lakes import AS_OF, FIRST, counted_lake, lake_settings, write
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
    write(root, tables.TRAFFIC_BY_WINDOW, [
        {"event_date": day, "window_start": datetime.combine(day, time(20), UTC), "service": category,
         "category": category, "plan": plan, "region": region, "dst_bytes": 10, "flows_started": 1}
        for at, day in enumerate(DAYS) for token, plan, region, _ in people() for category in categories_of(token, at)
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


CHOICES = {
    "traffic": [
        {"categories": category, "plans": plan, "regions": region, "segments": segment}
        for category, plan, region, segment in product(*map(subsets, (CATEGORIES, PLANS, REGIONS, SEGMENTS)))
    ],
    "customers": [
        {"plans": plan, "regions": region, "segments": segment}
        for plan, region, segment in product(subsets(PLANS), subsets(REGIONS), subsets(SEGMENTS))
    ],
}
Parts = Mapping[Group, set[str]]  # customers behind each of the parts that what is shown is made of


def assert_no_difference_is_of_few(shown: Sequence[Collection[Group]], parts: Parts) -> None:
    """No sum of the parts of few customers can be had from up to three of ``shown``, which add up parts each."""
    names, tokens = list(parts), sorted(set().union(*parts.values()))
    behind = np.array([[token in parts[name] for token in tokens] for name in names], dtype=np.int32)
    sums = np.array([[name in one for name in names] for one in {frozenset(one) for one in shown}], dtype=np.int32)
    sums = np.vstack([np.zeros_like(sums[:1]), sums])  # one of the three may be nothing
    for one, other in combinations(range(len(sums)), 2):
        made = sums[one] + sums[other] - sums
        customers_of = ((made != 0).astype(np.int32) @ behind > 0).sum(axis=1)
        is_sum = (made >= 0).all(axis=1) | (made <= 0).all(axis=1)
        is_few = is_sum & (customers_of > 0) & (customers_of < MINIMUM)
        assert not is_few.any(), [name for name, factor in zip(names, made[is_few][0], strict=True) if factor]


def parts_of(day: int, *, by_category: bool) -> dict[Group, set[str]]:
    """Customers by what filters can choose of a day: plan, region and segment, and category or nothing."""
    found: dict[Group, set[str]] = {}
    for token, *groups in people():
        for category in categories_of(token, day) if by_category else [""]:
            found.setdefault((category, *groups), set()).add(token)
    return found


def added_up(parts: Parts, wanted: Sequence[Collection[str]]) -> set[Group]:
    """Those of ``parts`` with the values wanted of each dimension; none of one means all."""
    return {
        part for part in parts if all(not values or value in values for value, values in zip(part, wanted, strict=True))
    }


def shown_choices(services: Services, which: str, period: Period) -> list[Mapping[str, tuple[str, ...]]]:
    """What pages show of ``period``: what is chosen, and in a choice of traffic the rows of its table as well."""
    rows = pl.DataFrame({"name": CATEGORIES, "bytes": [1, 1, 1], "flows": [1, 1, 1]})
    found: list[Mapping[str, tuple[str, ...]]] = []
    for chosen in CHOICES[which]:
        filters = filters_of(chosen)
        guard = customers.guard_of(services.reader, filters, period, MINIMUM, by_category=which == "traffic")
        if guard.forbids(filters):
            continue
        found.append(chosen)
        if which == "traffic":
            parts = rows.filter(pl.col("name").is_in(chosen["categories"] or CATEGORIES))
            told = customers.told_categories(services.reader, parts, filters, period, guard)
            names = told.filter(~pl.col("is_suppressed")).get_column("name").to_list()
            found += [{**chosen, "categories": (name,)} for name in names]
    return found


@pytest.mark.parametrize("which", sorted(CHOICES))
@pytest.mark.parametrize("day", range(len(DAYS)))
def test_nothing_of_few_can_be_computed_from_what_is_shown(which: str, day: int, attacked: Services) -> None:
    parts = parts_of(day, by_category=which == "traffic")
    of_day = shown_choices(attacked, which, Period(DAYS[day], DAYS[day]))
    of_both = shown_choices(attacked, which, PERIOD)
    assert 5 < len(of_both) <= len(of_day)
    assert_no_difference_is_of_few(
        [added_up(parts, [chosen.get(name, ()) for name in NAMES]) for chosen in of_day], parts
    )


@pytest.mark.parametrize("which", sorted(CHOICES))
def test_what_is_shown_of_two_days_is_shown_of_each(which: str, attacked: Services) -> None:
    of_both = shown_choices(attacked, which, PERIOD)
    for day in DAYS:
        of_day = shown_choices(attacked, which, Period(day, day))
        assert all(chosen in of_day for chosen in of_both)


def test_a_category_of_few_on_a_plan_is_hidden_beside_the_other_plans(attacked: Services) -> None:
    day = f"from={DAYS[0]}&to={DAYS[0]}"
    everybody = grids(compose(attacked, "/categories", f"?{day}"))[0]
    assert {row["name"] for row in everybody} == set(CATEGORIES)
    for search in ("&plan=basic&plan=plus", "&plan=basic"):
        some = grids(compose(attacked, "/categories", f"?{day}{search}"))[0]
        assert {row["name"] for row in some} == {"web"}


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


@pytest.mark.parametrize(
    ("users", "is_told"),
    [
        ({"web": 40, "dynamic": 30, "chess": 8, "unassigned": 5}, False),
        ({"web": 40, "gaming": 5, "chess": 20, "unassigned": 30}, True),
        ({"web": 40, "dynamic": 20, "unassigned": 5}, True),  # both are hidden, and told as one
        ({"web": 40}, True),
    ],
)
def test_the_unclassified_share_does_not_tell_of_a_hidden_category(
    users: Mapping[str, int], is_told: bool, tmp_path: Path
) -> None:
    settings = lake_settings(counted_lake(tmp_path, {FIRST: users}), f"dashboard.min_group_customers={MINIMUM}")
    day = Period(FIRST, FIRST)
    view = View(open_reader(settings), settings, Filters(), day)
    now = traffic.Totals(bytes=300, flows=3, unclassified_bytes=100)
    assert (overview.unclassified(view, now, overview.guard_of(view, day)) is not None) == is_told


OFFERS = {  # numbers of those who get each kind; some get none
    "service": range(4),
    "plan up": {number for number in range(40) if number % 3},
    "retention": range(2),
    "no change": {number for number in range(4, 40) if number % 6 == 0},
}
TILES = {  # outcomes that each of them adds up
    "Customers": (),
    "With an offer": (MAY_OFFER, OFFER),
    "May be approached": (MAY_OFFER,),
    "No change": (NO_CHANGE,),
    "Without any": (NOT_LOOKED_AT,),
}


def offered() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everybody whom recommendations are thought of for, and these: of some kinds to few on each plan."""
    base = pl.DataFrame(
        [
            {"customer": token, "plan": plan, "region": region, "segment": segment, "untold_reason": None}
            for token, plan, region, segment in people()
        ],
        schema_overrides={"untold_reason": pl.String},
    )
    found = [
        {"customer": token, "kind": kind, "price_difference": 1.0, "confidence": 1.0,
         "may_approach": int(token[-2:]) % 4 == 1}
        for token, *_ in people()
        for kind, numbers in OFFERS.items()
        if int(token[-2:]) in numbers
    ]  # fmt: skip
    return base, pl.DataFrame(found)


@pytest.mark.parametrize("kind", sorted(OFFERS))
def test_nothing_of_few_can_be_computed_from_kinds_and_fairness(kind: str) -> None:
    base, of_date = offered()
    members = set(of_date.filter(pl.col("kind") == kind).get_column("customer"))
    parts: dict[Group, set[str]] = {}
    for token, *groups in people():
        parts.setdefault((MEMBERS if token in members else OTHERS, *groups), set()).add(token)
    shown: list[set[Group]] = []

    for chosen in product(subsets(PLANS), subsets(REGIONS), subsets(SEGMENTS)):
        everybody = Everybody(base, chosen, MINIMUM)
        if everybody.tells_of_few(everybody.members(base)):
            continue
        shown.append(added_up(parts, [(), *chosen]))
        own = everybody.own
        found = of_date.join(own, on="customer", how="semi")
        told = told_kinds(everybody, of_date, found).filter(pl.col("kind") == kind)
        if told.height and not told.item(0, "is_suppressed"):
            shown.append(added_up(parts, [[MEMBERS], *chosen]))
        cubes = {kind: everybody.members(of_date.filter(pl.col("kind") == kind))}
        for part in ("plan", "region", "segment"):
            counts = fairness(own, found, part, [kind])
            for row in fairness_shares(counts, everybody, part, cubes).iter_rows(named=True):
                group = everybody.of_group(part, row["group"]).chosen
                if row["customers"] is not None:
                    shown.append(added_up(parts, [(), *group]))
                if row[kind] is not None:
                    shown.append(added_up(parts, [[MEMBERS], *group]))
    assert len(shown) > 10
    assert_no_difference_is_of_few(shown, parts)


def test_nothing_of_few_can_be_computed_from_the_tiles_of_recommendations() -> None:
    base, of_date = offered()
    label = dict(outcomes(base, of_date).iter_rows())
    parts: dict[Group, set[str]] = {}
    for token, *groups in people():
        parts.setdefault((label[token], *groups), set()).add(token)
    shown: list[set[Group]] = []
    for chosen in product(subsets(PLANS), subsets(REGIONS), subsets(SEGMENTS)):
        everybody = Everybody(base, chosen, MINIMUM)
        if not everybody.tells_of_few(everybody.members(base)):
            tiles = headline_tiles(headline_of(everybody, of_date, AS_OF), None, MINIMUM)
            told = {tile.children[0].children: tile.children[1].children for tile in tiles}
            shown += [added_up(parts, [TILES[name], *chosen]) for name in TILES if told[name] != HIDDEN]
    assert len(shown) > 20
    assert_no_difference_is_of_few(shown, parts)


def test_a_region_of_few_on_a_plan_is_not_told_by_the_fairness_of_the_other() -> None:
    base, of_date = offered()
    everybody = Everybody(base, [(), ("metro",), ()], MINIMUM)
    assert not everybody.tells_of_few(everybody.members(base))
    counts = fairness(base.filter(pl.col("region") == "metro"), of_date, "plan", [])
    told = {row["group"]: row["customers"] for row in fairness_shares(counts, everybody, "plan", {}).to_dicts()}
    assert told["plus"] is None


def test_few_beside_those_who_may_be_approached_are_hidden() -> None:
    base, of_date = offered()
    everybody = Everybody(base, [(), (), ()], MINIMUM)
    told = {row["kind"]: row for row in told_kinds(everybody, of_date, of_date).to_dicts()}
    assert told["plan up"]["approachable"] is not None
    assert (told["service"]["customers"], told["service"]["approachable"]) == (24, None)  # six may be
    assert told["retention"]["customers"] == 12


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
