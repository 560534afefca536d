"""Small groups stay hidden, also from those who can subtract."""

from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telflow.privacy.suppression import (
    ANY,
    Cube,
    Group,
    filter_safe,
    guard,
    hidden_groups,
    hidden_on_any_day,
    is_small,
    suppress,
)

COUNTS = st.lists(st.integers(0, 40), max_size=12)


@pytest.mark.parametrize(("customers", "small"), [(0, False), (1, True), (9, True), (10, False)])
def test_a_group_is_small_below_the_minimum_but_not_empty(customers: int, small: bool) -> None:
    assert is_small(customers, 10) == small


@given(COUNTS, st.integers(1, 15))
def test_no_small_group_is_shown_or_left_over(counts: list[int], minimum: int) -> None:
    guarded = guard(counts, minimum)
    hidden = [count for count, is_hidden in zip(counts, guarded.hidden, strict=True) if is_hidden]
    shown = [count for count, is_hidden in zip(counts, guarded.hidden, strict=True) if not is_hidden]
    assert not any(is_small(count, minimum) for count in shown)
    if guarded.shows_total and hidden:
        assert len(hidden) > 1
        assert not is_small(sum(counts) - sum(shown), minimum)


@given(COUNTS)
def test_where_all_are_large_nothing_is_hidden(counts: list[int]) -> None:
    guarded = guard([count + 10 for count in counts], 10)
    assert guarded.shows_total
    assert not any(guarded.hidden)


def test_one_small_cell_takes_the_next_smallest_with_it() -> None:
    assert guard([50, 3, 12, 0], 10).hidden == (False, True, True, False)


def test_two_small_cells_that_sum_to_enough_are_hidden_alone() -> None:
    assert guard([50, 6, 4, 12], 10).hidden == (False, True, True, False)


def test_two_small_cells_that_sum_to_too_few_take_a_third() -> None:
    assert guard([50, 6, 3, 12], 10).hidden == (False, True, True, True)


def test_a_small_cell_alone_hides_the_total() -> None:
    assert not guard([3, 0], 10).shows_total


def test_values_and_counts_of_hidden_cells_are_null() -> None:
    cells = pl.DataFrame({"name": ["a", "b", "c"], "customers": [50, 3, None], "bytes": [5, 3, 1]})
    told = suppress(cells, "customers", 2, ["bytes"])
    assert told.get_column("bytes").to_list() == [5, 3, 1]
    told = suppress(cells, "customers", 10, ["bytes"])
    assert told.get_column("bytes").to_list() == [None, None, 1]
    assert told.get_column("customers").to_list() == [None, None, None]
    assert told.get_column("is_suppressed").to_list() == [True, True, False]


GROUPS: dict[Group, int] = {("max", "metro"): 20, ("max", "north"): 6, ("plus", "metro"): 30, ("plus", "north"): 15}
PLANS, REGIONS = ["a", "b", "c"], ["x", "y", "z"]


@pytest.mark.parametrize(
    ("plans", "regions", "tells"),
    [
        ([], [], False),
        (["max"], [], False),
        ([], ["north"], False),
        (["max"], ["north"], True),
        (["plus"], ["north"], True),
        (["max"], ["metro"], True),
        (["plus"], ["metro"], True),
        (["max", "plus"], ["north"], True),
        (["max", "plus"], ["metro", "north"], False),
    ],
)
def test_what_a_filter_leaves_out_must_be_large_too(plans: list[str], regions: list[str], tells: bool) -> None:
    assert Cube(GROUPS, 10).tells_of_few([plans, regions]) == tells


def test_a_small_plan_cannot_be_had_by_adding_it_to_another() -> None:
    plans: dict[Group, int] = {("basic",): 30, ("plus",): 24, ("ultra",): 4}
    cube = Cube(plans, 10)
    assert not cube.tells_of_few([["basic"]])
    assert cube.tells_of_few([["basic", "ultra"]])
    assert cube.tells_of_few([["plus"]])
    assert not cube.tells_of_few([["plus", "ultra"]])


def test_categories_of_the_same_few_customers_do_not_hide_each_other() -> None:
    used: dict[Group, int] = {("chess",): 6, ("go",): 6, ("web",): 40, ("email",): 30, (ANY,): 40}
    apart, shared = (Cube(used, 10, overlaps=overlaps) for overlaps in (False, True))
    assert not apart.tells_of_few([["chess", "go"]])
    assert shared.tells_of_few([["chess", "go"]])
    assert not shared.tells_of_few([["chess", "email", "go"]])
    assert not shared.tells_of_few([["web"]])


def test_customers_of_several_categories_count_once_by_plan() -> None:
    used: dict[Group, int] = {("web", "plus"): 6, ("email", "plus"): 6, (ANY, "plus"): 6, (ANY, "max"): 30}
    assert Cube(used, 10, overlaps=True).tells_of_few([[], ["plus"]])
    assert Cube(used, 5, overlaps=True).table((1,)).customers == {("plus",): 6, ("max",): 30}


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9), st.randoms(use_true_random=False))
def test_what_is_hidden_does_not_hang_on_the_order_of_the_rows(counts: list[int], random: Random) -> None:
    table: dict[Group, int] = {(PLANS[at // 3], REGIONS[at % 3]): count for at, count in enumerate(counts)}
    shuffled = dict(random.sample(list(table.items()), len(table)))
    assert hidden_groups(shuffled, 10) == hidden_groups(table, 10)


def test_a_cell_that_another_rule_hides_is_hidden_beside_the_small_ones() -> None:
    cells = pl.DataFrame({"name": ["a", "b", "c"], "customers": [50, 30, 20]})
    assert suppress(cells, "customers", 10, [], also=[False, True, False]).get_column("customers").to_list() == [
        50, None, 20
    ]  # fmt: skip


SOME = st.sets(st.integers(0, 2), min_size=1)


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9), SOME, SOME, SOME, st.integers(2, 12))
def test_no_two_selections_differ_by_few(
    counts: list[int], less: set[int], more: set[int], fixed: set[int], minimum: int
) -> None:
    table: dict[Group, int] = {(PLANS[at // 3], REGIONS[at % 3]): count for at, count in enumerate(counts)}
    regions = [REGIONS[at] for at in fixed]
    narrow, wide = [[PLANS[at] for at in chosen] for chosen in (less, less | more)]
    if not any(Cube(table, minimum).tells_of_few([plans, regions]) for plans in (narrow, wide)):
        apart = sum(table[plan, region] for plan in wide if plan not in narrow for region in regions)
        assert not is_small(apart, minimum)


@given(st.lists(st.integers(0, 30), min_size=9, max_size=9), st.integers(1, 12))
def test_no_total_gives_a_small_cell_away(counts: list[int], minimum: int) -> None:
    table: dict[Group, int] = {(PLANS[at // 3], REGIONS[at % 3]): count for at, count in enumerate(counts)}
    hidden = hidden_groups(table, minimum)
    assert all(group in hidden for group, count in table.items() if is_small(count, minimum))
    lines = [[(plan, region) for region in REGIONS] for plan in PLANS]
    lines += [[(plan, region) for plan in PLANS] for region in REGIONS]
    for line in lines:
        own = [group for group in line if group in hidden]
        is_safe = len(own) > 1 and sum(table[group] for group in own) >= minimum
        assert not own or is_safe or all(group in hidden or table[group] == 0 for group in line)


@given(COUNTS, st.integers(1, 15))
def test_a_table_of_one_dimension_is_hidden_as_a_row_of_cells(counts: list[int], minimum: int) -> None:
    table: dict[Group, int] = {(f"{at:02}",): count for at, count in enumerate(counts)}
    hidden = hidden_groups(table, minimum)
    assert [(f"{at:02}",) in hidden for at in range(len(counts))] == list(guard(counts, minimum).hidden)


def test_what_one_day_hides_no_sum_over_days_holds() -> None:
    days = [{"web": 50, "email": 40, "chess": 30}, {"web": 50, "email": 40, "chess": 2}]
    assert hidden_on_any_day(days[:1], 10) == set()
    assert hidden_on_any_day(days, 10) == {"chess", "email"}


@settings(deadline=None)  # frames take their time on a machine that has other work
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=14), st.integers(1, 12))
def test_lines_are_guarded_each_by_itself(drawn: list[tuple[str, int]], minimum: int) -> None:
    names = {"day": pl.String, "cell": pl.Int64, "customers": pl.Int64}
    cells = pl.DataFrame([(day, at, count) for at, (day, count) in enumerate(drawn)], schema=names, orient="row")
    kept = filter_safe(cells, "customers", minimum, ["day"])
    wanted = set()
    for day in "ab":
        own = [(at, count) for at, (of, count) in enumerate(drawn) if of == day]
        hidden = guard([count for _, count in own], minimum).hidden
        wanted |= {at for (at, _), is_hidden in zip(own, hidden, strict=True) if not is_hidden}
    assert kept.columns == cells.columns
    assert set(kept.get_column("cell").to_list()) == wanted


def test_a_cell_without_a_number_of_customers_is_nobodys() -> None:
    cells = pl.DataFrame({"day": ["a", "a", "a"], "customers": [None, 20, 3]})
    assert filter_safe(cells, "customers", 10, ["day"]).rows() == [("a", None)]
