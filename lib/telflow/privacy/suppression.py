"""Small groups are hidden, and nothing shown beside them gives them away by subtraction.

A cell of a table tells of its customers. Cells of fewer than ``minimum`` are hidden (primary suppression); where their
total is shown, the hidden ones together must stand for at least two cells and ``minimum`` customers, or the next
smallest is hidden too (complementary suppression, as statistical offices do it). Cells of nobody hide nobody.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

SUPPRESSED = "is_suppressed"
Group = tuple[str, ...]


@dataclass(frozen=True)
class Guarded:
    """What may be shown of a row of cells.

    Attributes:
        hidden: for each cell whether it is hidden.
        shows_total: whether the total may be shown beside the cells.
    """

    hidden: tuple[bool, ...]
    shows_total: bool


def is_small(customers: int, minimum: int) -> bool:
    """Whether a group is too small to be shown; a group of nobody tells of nobody."""
    return 0 < customers < minimum


def guard(customers: Sequence[int], minimum: int) -> Guarded:
    """Which of the cells to hide, given the customers in each, so that a total does not give them away."""
    hidden = {cell for cell, count in enumerate(customers) if is_small(count, minimum)}
    if not hidden:
        return Guarded((False,) * len(customers), shows_total=True)
    shown = sorted(
        (cell for cell, count in enumerate(customers) if count and cell not in hidden),
        key=lambda cell: (customers[cell], cell),
    )
    while shown and not is_safe(hidden, customers, minimum):
        hidden.add(shown.pop(0))
    flags = tuple(cell in hidden for cell in range(len(customers)))
    return Guarded(flags, shows_total=is_safe(hidden, customers, minimum))


def is_safe(hidden: Collection[int], customers: Sequence[int], minimum: int) -> bool:
    """Whether the sum of the hidden cells, which a total gives away, tells of no small group."""
    return len(hidden) > 1 and sum(customers[cell] for cell in hidden) >= minimum


def suppress(cells: pl.DataFrame, customers: str, minimum: int, values: Sequence[str]) -> pl.DataFrame:
    """``cells`` with the ``values`` of hidden cells null, and ``is_suppressed``.

    Args:
        cells: one row a cell of one table whose total is known to the reader.
        customers: column with the customers of each cell; it is hidden with the values.
        minimum: smallest group that is shown.
        values: columns that tell of the cell's customers.
    """
    counts = cells.get_column(customers).fill_null(0).to_list()
    return blank(cells, guard(counts, minimum).hidden, [*values, customers])


def blank(cells: pl.DataFrame, hidden: Sequence[bool], values: Sequence[str]) -> pl.DataFrame:
    """``cells`` with the ``values`` of the ``hidden`` ones null, and ``is_suppressed``."""
    flags = pl.Series(SUPPRESSED, hidden, dtype=pl.Boolean)
    blanked = [
        pl.when(pl.col(SUPPRESSED)).then(None).otherwise(pl.col(column)).alias(column)
        for column in dict.fromkeys(values)
    ]
    return cells.with_columns(flags).with_columns(blanked)


def filter_safe(cells: pl.DataFrame, customers: str, minimum: int, line: Sequence[str]) -> pl.DataFrame:
    """Those of ``cells`` that ``guard`` shows in each line, whatever else is done with them.

    Where every sum that is shown adds up cells that are left here, no difference of two of them holds a small cell.

    Args:
        cells: one row a cell; the total of each line may be known to the reader.
        customers: column with the customers of each cell.
        minimum: smallest group that is shown.
        line: columns that name the line a cell stands in.
    """
    count = pl.col(customers).fill_null(0)
    is_nobody, is_few = pl.col("count_") == 0, pl.col("count_") < minimum
    ordered = cells.with_columns(count.alias("count_"), pl.int_range(pl.len()).alias("place_")).sort("count_", "place_")
    people = pl.when(~is_nobody).then(1).otherwise(0)
    sums = ordered.with_columns(
        (people.cum_sum().over(line) - people).alias("cells_below_"),
        (pl.col("count_").cum_sum().over(line) - pl.col("count_")).alias("customers_below_"),
        (is_few & ~is_nobody).any().over(line).alias("has_few_"),
    )
    is_told = (pl.col("cells_below_") > 1) & (pl.col("customers_below_") >= minimum)
    kept = sums.filter(is_nobody | (~is_few & (~pl.col("has_few_") | is_told)))
    return kept.sort("place_").select(cells.columns)


def hidden_on_any_day(days: Iterable[Mapping[str, int]], minimum: int) -> set[str]:
    """Names that the table of at least one day hides: what one day hides, no sum over days may hold.

    Args:
        days: customers by name, for each day.
        minimum: smallest group that is shown.
    """
    return {
        name
        for day in days
        for name, is_hidden in zip(day, guard(list(day.values()), minimum).hidden, strict=True)
        if is_hidden
    }


def hidden_groups(customers: Mapping[Group, int], minimum: int) -> set[Group]:
    """Groups to hide of a table in which the totals over every dimension are known.

    Small ones are hidden, those with a value that is hidden in the totals, and in every line as many more as its total
    would give away.

    Args:
        customers: customers by group, a value for each dimension.
        minimum: smallest group that is shown.
    """
    customers = {group: count for group, count in customers.items() if count}
    hidden = {group for group, count in customers.items() if is_small(count, minimum)}
    dimensions = len(next(iter(customers), ()))
    for kept in combinations(range(dimensions), dimensions - 1) if dimensions > 1 else ():
        totals = hidden_groups(totals_over(customers, kept), minimum)
        hidden |= {group for group in customers if part_of(group, kept) in totals}
    lines = list(lines_of(customers))
    while added := next((one for line in lines for one in next_to_hide(line, hidden, customers, minimum)), None):
        hidden.add(added)
    return hidden


def next_to_hide(
    line: Collection[Group], hidden: Collection[Group], customers: Mapping[Group, int], minimum: int
) -> Sequence[Group]:
    """The smallest shown group of ``line`` where its total gives away those hidden; none where it does not."""
    counts = [customers[group] for group in line if group in hidden]
    if not counts or is_safe(range(len(counts)), counts, minimum):
        return ()
    shown = sorted((group for group in line if group not in hidden), key=lambda group: (customers[group], group))
    return shown[:1]


def lines_of(groups: Collection[Group]) -> Iterator[Collection[Group]]:
    """For each dimension the groups that differ in it alone."""
    found: dict[tuple[int, Group], list[Group]] = {}
    for group in groups:
        for dimension in range(len(group)):
            found.setdefault((dimension, group[:dimension] + group[dimension + 1 :]), []).append(group)
    return iter(found.values())


def part_of(group: Group, kept: Collection[int]) -> Group:
    """The values of ``group`` in the dimensions ``kept``."""
    return tuple(group[dimension] for dimension in kept)


def totals_over(customers: Mapping[Group, int], kept: Collection[int]) -> dict[Group, int]:
    """Customers by the dimensions ``kept``, summed over the others."""
    totals: dict[Group, int] = {}
    for group, count in customers.items():
        totals[part_of(group, kept)] = totals.get(part_of(group, kept), 0) + count
    return totals


def divides(chosen: Collection[object], hidden: Collection[object]) -> bool:
    """Whether some of ``hidden`` are among ``chosen`` and some are not, so that sums with and without tell of few."""
    return 0 < sum(one in chosen for one in hidden) < len(hidden)


def tells_of_few(customers: Mapping[Group, int], chosen: Sequence[Collection[str]], minimum: int) -> bool:
    """Whether a selection is too small to be shown, or gives away a small group beside another that is shown.

    Whoever sees two selections sees their difference. So of the groups that a table hides, a selection must hold all
    of a line or none.

    Args:
        customers: customers by group, a value for each dimension.
        chosen: for each dimension the values selected; none selects all.
        minimum: smallest group that is shown.
    """
    limited = [dimension for dimension, values in enumerate(chosen) if values]
    tables = [kept for size in range(1, len(limited) + 1) for kept in combinations(limited, size)]
    return any(divides_table(totals_over(customers, kept), [chosen[one] for one in kept], minimum) for kept in tables)


def divides_table(customers: Mapping[Group, int], chosen: Sequence[Collection[str]], minimum: int) -> bool:
    """Whether a selection, which limits every dimension, is small or divides what a line of the table hides."""
    selected = {
        group for group in customers if all(value in values for value, values in zip(group, chosen, strict=True))
    }
    if is_small(sum(customers[group] for group in selected), minimum):
        return True
    hidden = hidden_groups(customers, minimum)
    return any(divides(selected, hidden.intersection(line)) for line in lines_of(customers))
