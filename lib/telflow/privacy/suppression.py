"""Small groups are hidden, and nothing shown beside them gives them away by subtraction.

A cell of a table tells of its customers. Cells of fewer than ``minimum`` are hidden (primary suppression); where their
total is shown, the hidden ones together must stand for at least two cells and ``minimum`` customers, or the next
smallest is hidden too (complementary suppression, as statistical offices do it). Cells of nobody hide nobody.

What a new card asks, by the shape of its data:

=====================================================  ==================================================
one row of cells, its total known                      ``suppress``, or ``guard`` for plain numbers
the same on several days, of which sums are shown      ``hidden_on_any_day``
cells that may be left out of every sum                ``filter_safe``
a table of two dimensions or more with its totals      ``hidden_groups``
what filters choose, or a row of a table under them    ``Cube``, one a day: ``tells_of_few``
=====================================================  ==================================================

``Cube`` guards the totals along each dimension, not every equation that many totals together make.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations

import polars as pl

SUPPRESSED = "is_suppressed"
ANY = ""  # in the place of a group's first value: whoever has one, counted once
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


def suppress(
    cells: pl.DataFrame, customers: str, minimum: int, values: Sequence[str], also: Sequence[bool] | None = None
) -> pl.DataFrame:
    """``cells`` with the ``values`` of hidden cells null, and ``is_suppressed``.

    Args:
        cells: one row a cell of one table whose total is known to the reader.
        customers: column with the customers of each cell; it is hidden with the values.
        minimum: smallest group that is shown.
        values: columns that tell of the cell's customers.
        also: for each cell whether another rule hides it.
    """
    counts = cells.get_column(customers).fill_null(0).to_list()
    hidden = guard(counts, minimum).hidden
    return blank(cells, [any(pair) for pair in zip(hidden, also or hidden, strict=True)], [*values, customers])


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


def hidden_groups(customers: Mapping[Group, int], minimum: int) -> Set[Group]:
    """Groups to hide of a table in which the totals over every dimension are known.

    Small ones are hidden, those with a value that is hidden in the totals, and in every line as many more as its total
    would give away.

    Args:
        customers: customers by group, a value for each dimension.
        minimum: smallest group that is shown.
    """
    dimensions = len(next(iter(customers), ()))
    return Cube(customers, minimum).table(tuple(range(dimensions))).hidden


@dataclass(frozen=True)
class Table:
    """Customers by the values of some dimensions of a cube.

    Attributes:
        customers: by group.
        hidden: groups that are not shown.
        hidden_lines: the hidden ones among the groups that differ in one dimension alone, where there are several.
    """

    customers: Mapping[Group, int]
    hidden: Set[Group]
    hidden_lines: Sequence[Set[Group]]


class Cube:
    """Customers by group, and which selections of groups may be shown.

    Whoever sees two selections sees their difference. So of the groups that a table hides, a selection must hold all
    of a line or none.
    """

    def __init__(self, customers: Mapping[Group, int], minimum: int, *, overlaps: bool = False) -> None:
        """A cube of which nothing was asked yet.

        Args:
            customers: by group, a value for each dimension.
            minimum: smallest group that is shown.
            overlaps: whether a customer may have several values of the first dimension; ``customers`` then also holds
                groups with ``ANY`` in its place.
        """
        self._customers = dict(sorted(customers.items()))  # what is hidden beside small groups hangs on their order
        self._minimum = minimum
        self._overlaps = overlaps
        self._tables: dict[Sequence[int], Table] = {}

    def tells_of_few(self, chosen: Sequence[Collection[str]]) -> bool:
        """Whether a selection is too small to be shown, or gives away a small group beside another that is shown.

        Args:
            chosen: for each dimension the values selected; none selects all.
        """
        limited = [dimension for dimension, values in enumerate(chosen) if values]
        tables = [kept for size in range(1, len(limited) + 1) for kept in combinations(limited, size)]
        return any(self._divides(kept, [chosen[one] for one in kept]) for kept in tables)

    def table(self, kept: Sequence[int]) -> Table:
        """Customers by the dimensions ``kept``, and what of them is hidden."""
        if kept not in self._tables:
            customers = self._totals(kept)
            lines = list(lines_of(customers))
            hidden = self._hidden(kept, customers, lines)
            several = [found for line in lines if len(found := hidden.intersection(line)) > 1]
            self._tables[kept] = Table(customers, hidden, several)
        return self._tables[kept]

    def _totals(self, kept: Sequence[int]) -> dict[Group, int]:
        by_first = 0 in kept
        totals: dict[Group, int] = {}
        for group, count in self._customers.items():
            if count and (not self._overlaps or (group[0] != ANY) == by_first):
                totals[part_of(group, kept)] = totals.get(part_of(group, kept), 0) + count
        return totals

    def _hidden(
        self, kept: Sequence[int], customers: Mapping[Group, int], lines: Sequence[Collection[Group]]
    ) -> set[Group]:
        hidden = {group for group, count in customers.items() if is_small(count, self._minimum)}
        for places in combinations(range(len(kept)), len(kept) - 1) if len(kept) > 1 else ():
            totals = self.table(tuple(kept[place] for place in places)).hidden
            hidden |= {group for group in customers if part_of(group, places) in totals}
        is_settled = False
        while not is_settled:
            before = len(hidden)
            for line in lines:
                hidden.update(self._next_to_hide(line, hidden, kept, customers))
            is_settled = len(hidden) == before
        return hidden

    def _next_to_hide(
        self, line: Collection[Group], hidden: Set[Group], kept: Sequence[int], customers: Mapping[Group, int]
    ) -> Sequence[Group]:
        """The smallest shown group of ``line`` where its total gives away those hidden; none where it does not."""
        own = [group for group in line if group in hidden]
        if not own or (len(own) > 1 and self._people(own, kept, customers) >= self._minimum):
            return ()
        shown = sorted((group for group in line if group not in hidden), key=lambda group: (customers[group], group))
        return shown[:1]

    def _people(self, groups: Collection[Group], kept: Sequence[int], customers: Mapping[Group, int]) -> int:
        """How many customers ``groups`` have at least: values that overlap may be of the same ones."""
        if not self._overlaps or 0 not in kept:
            return sum(customers[group] for group in groups)
        by_first: dict[str, int] = {}
        for group in groups:
            by_first[group[0]] = by_first.get(group[0], 0) + customers[group]
        return max(by_first.values(), default=0)

    def _divides(self, kept: Sequence[int], chosen: Sequence[Collection[str]]) -> bool:
        """Whether a selection, which limits the dimensions ``kept``, is small or divides what a line of them hides."""
        table = self.table(kept)
        wanted = [frozenset(values) for values in chosen]
        selected = {
            group for group in table.customers if all(value in one for value, one in zip(group, wanted, strict=True))
        }
        if is_small(self._people(selected, kept, table.customers), self._minimum):
            return True
        return any(divides(selected, line) for line in table.hidden_lines)


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


def divides(chosen: Collection[object], hidden: Collection[object]) -> bool:
    """Whether some of ``hidden`` are among ``chosen`` and some are not, so that sums with and without tell of few."""
    return 0 < sum(one in chosen for one in hidden) < len(hidden)
