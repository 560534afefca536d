"""Robust statistics of short series as Spark array expressions: no function of Python runs over the rows."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

from pyspark.sql import Column
from pyspark.sql import functions as F

NORMAL_MAD = 1.4826  # makes the median absolute deviation of normal noise its standard deviation
NORMAL_TAIL = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
NORMAL_RATE = 0.2316419


@dataclass(frozen=True)
class Trend:
    """Columns of a trend.

    Attributes:
        slope: Theil-Sen slope, units of the values a unit of time.
        low, high: confidence limits of the slope.
        confidence: 1 less the two-sided p of no monotone trend, 0 to 1.
    """

    slope: Column
    low: Column
    high: Column
    confidence: Column


def bound(value: Column, use: Callable[[Column], Column]) -> Column:
    """``use(value)`` with ``value`` computed once, however often ``use`` names it.

    An expression that is named twice is computed twice, and one that is named in a lambda once for each element.
    """
    return F.get(F.transform(F.array(value), use), F.lit(0))


def total(values: Column) -> Column:
    """Sum of an array of numbers, as double; 0 where it is empty."""
    return F.aggregate(values, F.lit(0.0), lambda summed, value: summed + value.cast("double"))


def quantile_of(values: Column, probability: float) -> Column:
    """Quantile of an array, type 7 of Hyndman and Fan (1996); null where it is empty."""

    def between(ordered: Column) -> Column:
        place = (F.size(ordered) - 1) * F.lit(probability)
        below, above = F.get(ordered, F.floor(place).cast("int")), F.get(ordered, F.ceil(place).cast("int"))
        return below + (above - below) * (place - F.floor(place))

    return bound(F.sort_array(values), between)


def median_of(values: Column) -> Column:
    """Median of an array; null where it is empty."""
    return quantile_of(values, 0.5)


def midmean_of(values: Column) -> Column:
    """Mean of an array without its lowest and its highest quarter, rounded down; null where it is empty.

    Of four values it is their median. Where values are of two kinds, every other one nothing say, a median jumps to
    the more frequent kind; this does not.
    """

    def between(ordered: Column) -> Column:
        cut = F.floor(F.size(ordered) / 4).cast("int")
        kept = F.size(ordered) - 2 * cut
        return F.try_divide(total(F.slice(ordered, cut + 1, kept)), kept)

    return bound(F.sort_array(values), between)


def latest(values: Column, count: int) -> Column:
    """The last ``count`` of an array, or all of a shorter one."""
    return F.slice(values, F.greatest(F.size(values) - count + 1, F.lit(1)), F.lit(count))


def pair_slopes(points: Column) -> Column:
    """Slopes between all pairs of points, sorted.

    Args:
        points: array of structs ``at`` and ``value``, ``at`` strictly ascending; n points have n (n - 1) / 2 pairs,
            325 for half a year of weeks.
    """

    def later(first: Column, place: Column) -> Column:
        rest = F.slice(points, place + 2, F.size(points))
        return F.transform(rest, lambda second: (second["value"] - first["value"]) / (second["at"] - first["at"]))

    return F.sort_array(F.flatten(F.transform(points, later)))


def kendall_deviation(values: Column) -> Column:
    """Standard deviation of Kendall's S where there is no trend, corrected for equal values (Kendall 1975)."""
    count = F.size(values).cast("double")

    def tied(value: Column) -> Column:
        alike = F.size(F.filter(values, lambda other: other == value)).cast("double")
        return (alike - 1) * (2 * alike + 5)

    return F.sqrt((count * (count - 1) * (2 * count + 5) - total(F.transform(values, tied))) / 18)


def trend_of(slopes: Column, deviation: Column, z: float) -> Trend:
    """Theil-Sen slope with Sen's limits, and the confidence of the Mann-Kendall test.

    Slope: the median of the pairwise slopes (Theil 1950, Sen 1968). Limits: the pairwise slopes whose ranks lie ``z``
    deviations of S about the middle (Sen 1968, normal approximation). Confidence: S of the test (Mann 1945) is the
    number of rising pairs less that of falling ones; its p is that of a normal value with continuity correction. Weeks
    are taken to be independent but for the trend; where one week resembles the last, confidence is overstated.

    Args:
        slopes: what ``pair_slopes`` returns.
        deviation: what ``kendall_deviation`` returns for the same points.
        z: normal quantile of the limits, 1.96 for 95 %.
    """
    pairs = F.size(slopes)
    score = total(F.transform(slopes, F.signum))
    corrected = F.greatest(F.abs(score) - 1, F.lit(0.0))
    low = F.greatest(F.bround((pairs - z * deviation) / 2).cast("int") - 1, F.lit(0))
    high = F.least(F.bround((pairs + z * deviation) / 2).cast("int"), pairs - 1)
    likely = 2 * normal_cdf(F.try_divide(corrected, deviation)) - 1
    return Trend(median_of(slopes), F.get(slopes, low), F.get(slopes, high), F.coalesce(likely, F.lit(0.0)))


def normal_cdf(z: Column) -> Column:
    """Part of a standard normal below ``z``, wrong by less than 7.5e-8 (Abramowitz and Stegun 1964, 26.2.17)."""
    share = 1 / (1 + NORMAL_RATE * F.abs(z))
    polynomial = F.lit(0.0)
    for coefficient in reversed(NORMAL_TAIL):
        polynomial = (polynomial + coefficient) * share
    tail = F.exp(-z * z / 2) / sqrt(2 * pi) * polynomial
    return F.when(z < 0, tail).otherwise(1 - tail)


def scatter_about(points: Column, slope: Column) -> Column:
    """Robust standard deviation about the line of ``slope``: 1.4826 times the median absolute residual."""
    return NORMAL_MAD * bound(
        intercepts(points, slope), lambda own: bound(median_of(own), lambda middle: away(own, middle))
    )


def away(values: Column, middle: Column) -> Column:
    """Median distance of ``values`` from ``middle``."""
    return median_of(F.transform(values, lambda value: F.abs(value - middle)))


def intercepts(points: Column, slope: Column) -> Column:
    """Where a line of ``slope`` through each point is at 0."""
    return bound(slope, lambda rise: F.transform(points, lambda point: point["value"] - rise * point["at"]))


def line_at(points: Column, slope: Column, at: float) -> Column:
    """Value of the line of ``slope`` at ``at``; its intercept is the median of the points' own."""
    return median_of(intercepts(points, slope)) + slope * F.lit(at)


def shifts(values: Column) -> Column:
    """Pettitt's U of every place: rising where later values are smaller; place k is after the first k values."""

    def standing(value: Column) -> Column:
        return total(F.transform(values, lambda other: F.signum(value - other)))

    def summed(standings: Column) -> Column:
        return F.transform(standings, lambda _, place: total(F.slice(standings, F.lit(1), place + 1)))

    return bound(F.transform(values, standing), summed)


def change_place(shift: Column) -> Column:
    """Number of values before the likeliest change of level (Pettitt 1979), from ``shifts``."""
    sizes = F.transform(shift, F.abs)
    return bound(sizes, lambda each: F.array_position(each, F.array_max(each)).cast("int"))


def change_confidence(shift: Column) -> Column:
    """1 less Pettitt's approximate p of no change, 0 to 1, from ``shifts``.

    A steady trend is a change of level too: the test does not tell them apart.
    """
    count = F.size(shift).cast("double")
    largest = F.array_max(F.transform(shift, F.abs))
    p = 2 * F.exp(F.try_divide(-6 * largest * largest, F.pow(count, 3) + F.pow(count, 2)))
    return 1 - F.least(p, F.lit(1.0))
