"""Cuts by quantile, and scores from cuts.

Cuts are taken in one aggregation and stored; scoring is a comparison with constants. A window with ``ntile`` would
move all customers to one task and give equal values different scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, floor

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.customers.measures import SCORED
from telflow.customers.schemes import Scheme

Cuts = Mapping[str, Sequence[float]]
ACCURACY = 10_000  # of percentile_approx: ranks are off by at most 1 / ACCURACY of the customers


@dataclass(frozen=True)
class CutSet:
    """Cuts of several schemes over the same customers.

    Attributes:
        customers: how many customers they were taken over.
        by_scheme: cuts in ascending order, by scheme and measure; none where there were no customers.
    """

    customers: int
    by_scheme: Mapping[str, Cuts]


def customer_cuts(measures: DataFrame, schemes: Iterable[Scheme]) -> CutSet:
    """Cuts of all ``schemes`` over the customers whose ``status`` is scored, in one aggregation.

    Args:
        measures: ``status`` and the columns that the schemes take their measures from, numeric.
        schemes: schemes to cut for; quantiles that several of them need are computed once.
    """
    schemes = tuple(schemes)
    needed: dict[tuple[str, bool], set[float]] = {}
    for scheme in schemes:
        for column in scheme.measures.values():
            needed.setdefault((column, scheme.is_exact), set()).update(scheme.probabilities)
    quantiles = [quantile(key[0], sorted(needed[key]), is_exact=key[1]) for key in needed]
    count, *found = measures.where(F.col("status") == SCORED).agg(F.count(F.lit(1)), *quantiles).collect()[0]
    if count == 0:
        return CutSet(0, {scheme.name: {} for scheme in schemes})
    values = {key: dict(zip(sorted(needed[key]), at, strict=True)) for key, at in zip(needed, found, strict=True)}

    def cuts_of(scheme: Scheme, column: str) -> tuple[float, ...]:
        at = values[column, scheme.is_exact]
        return tuple(float(at[probability]) + scheme.cut_offset for probability in scheme.probabilities)

    return CutSet(
        int(count),
        {
            scheme.name: {measure: cuts_of(scheme, column) for measure, column in scheme.measures.items()}
            for scheme in schemes
        },
    )


def quantile(column: str, probabilities: list[float], *, is_exact: bool) -> Column:
    """Quantiles of ``column`` as an array: type 7 (Hyndman and Fan 1996) where exact, else one of the values."""
    return F.percentile(column, probabilities) if is_exact else F.percentile_approx(column, probabilities, ACCURACY)


def counted_quantiles(counts: Mapping[int, int], probabilities: Iterable[float]) -> tuple[float, ...]:
    """Type-7 quantiles of values given with how often each occurs; none where nothing occurs."""
    values = sorted(value for value, count in counts.items() if count > 0)
    if not values:
        return ()
    until = list(accumulate(counts[value] for value in values))

    def at_rank(rank: int) -> int:
        return next(value for value, end in zip(values, until, strict=True) if rank < end)

    ranks = [(until[-1] - 1) * probability for probability in probabilities]
    return tuple(
        at_rank(floor(rank)) + (rank - floor(rank)) * (at_rank(ceil(rank)) - at_rank(floor(rank))) for rank in ranks
    )


def quantile_score(value: Column, cuts: Sequence[float], *, is_right_open: bool = False) -> Column:
    """1 plus the number of ``cuts`` that ``value`` exceeds (int); null for a null.

    Args:
        value: a number.
        cuts: in ascending order.
        is_right_open: True where a value on a cut has exceeded it.
    """
    score = F.when(value.isNotNull(), F.lit(1))
    for cut in cuts:
        is_above = value >= F.lit(float(cut)) if is_right_open else value > F.lit(float(cut))
        score += is_above.cast("int")
    return score


def recency_quantile_score(days: Column, cuts: Sequence[float], *, is_right_open: bool = False) -> Column:
    """``quantile_score`` the other way round: the fewer ``days`` ago, the higher; null for a null."""
    return F.lit(len(cuts) + 2) - quantile_score(days, cuts, is_right_open=is_right_open)
