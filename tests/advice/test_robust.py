"""Array statistics, each against SciPy's or a plain reference on the same series."""

from math import exp
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from scipy.stats import kendalltau, norm, theilslopes, trim_mean

from telflow.advice.robust import (
    change_confidence,
    change_place,
    kendall_deviation,
    latest,
    line_at,
    median_of,
    midmean_of,
    normal_cdf,
    pair_slopes,
    quantile_of,
    scatter_about,
    shifts,
    trend_of,
)

Z95 = 1.959963984540054
Series = tuple[list[int], list[float]]


def series() -> list[Series]:
    """Noise, trends, steps, ties and gaps between the weeks, from 3 to 26 of them."""
    draw = np.random.default_rng(7)
    made: list[Series] = [([0, 1, 2], [1.0, 1.0, 1.0]), ([-3, -1, 0], [5.0, 4.0, 3.0])]
    for count in (4, 6, 7, 12, 13, 26):
        at = sorted(draw.choice(30, count, replace=False).tolist())
        noise = draw.normal(size=count)
        made.append((at, noise.tolist()))
        made.append((at, (noise + 0.3 * np.array(at)).tolist()))
        made.append((at, (noise + 3 * (np.arange(count) >= count // 3)).tolist()))
        made.append((at, np.round(noise).tolist()))
    return made


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> list[tuple[Series, Row]]:
    made = series()
    rows = [
        (number, [Row(at=at, value=value) for at, value in zip(*each, strict=True)]) for number, each in enumerate(made)
    ]
    frame = spark.createDataFrame(rows, "number int, points array<struct<at: int, value: double>>")
    frame = frame.withColumns({"values": F.col("points.value"), "slopes": pair_slopes(F.col("points"))})
    frame = frame.withColumns({"deviation": kendall_deviation(F.col("values")), "shift": shifts(F.col("values"))})
    trend = trend_of(F.col("slopes"), F.col("deviation"), Z95)
    answers: dict[str, Any] = {**vars(trend), "median": median_of(F.col("values"))}
    answers |= {"middle": midmean_of(F.col("values"))}
    answers |= {"p95": quantile_of(F.col("values"), 0.95), "place": change_place(F.col("shift"))}
    answers |= {"changed": change_confidence(F.col("shift")), "last": latest(F.col("values"), 4)}
    answers |= {
        "line": line_at(F.col("points"), trend.slope, 31.0),
        "scatter": scatter_about(F.col("points"), trend.slope),
    }
    found = sorted(frame.withColumns(answers).collect(), key=lambda row: int(row.number))
    return list(zip(made, found, strict=True))


def test_slope_and_its_limits_are_scipys(told: list[tuple[Series, Row]]) -> None:
    for (at, values), row in told:
        expected = theilslopes(values, at, alpha=0.95)
        assert (row.slope, row.low, row.high) == pytest.approx(
            (expected.slope, expected.low_slope, expected.high_slope)
        )


def test_confidence_is_that_of_mann_and_kendall(told: list[tuple[Series, Row]]) -> None:
    for (at, values), row in told:
        pairs = [(i, j) for j in range(len(at)) for i in range(j)]
        score = float(sum(np.sign(values[j] - values[i]) for i, j in pairs))
        tau = kendalltau(at, values, method="asymptotic")
        if row.deviation == 0:
            assert row.confidence == 0
            continue
        assert np.sign(score) == np.sign(tau.statistic)
        assert 2 * norm.sf(abs(score) / row.deviation) == pytest.approx(tau.pvalue), "the deviation, with its ties"
        z = max(abs(score) - 1, 0) / row.deviation
        assert row.confidence == pytest.approx(2 * norm.cdf(z) - 1, abs=1e-6)


def test_change_is_where_a_plain_count_of_pairs_has_it(told: list[tuple[Series, Row]]) -> None:
    for (_, values), row in told:
        count = len(values)
        naive = [
            abs(sum(np.sign(before - after) for before in values[:place] for after in values[place:]))
            for place in range(1, count)
        ]
        largest = max(naive)
        if largest > 0:
            assert row.place == naive.index(largest) + 1
        expected = 1 - min(2 * exp(-6 * largest**2 / (count**3 + count**2)), 1)
        assert row.changed == pytest.approx(expected)


def test_quantiles_line_and_scatter(told: list[tuple[Series, Row]]) -> None:
    for (at, values), row in told:
        assert (row["median"], row.p95) == pytest.approx((np.median(values), np.quantile(values, 0.95)))
        assert row["middle"] == pytest.approx(trim_mean(values, 0.25))
        assert row["last"] == values[-4:]
        own = np.array(values) - row.slope * np.array(at)
        assert row.line == pytest.approx(np.median(own) + row.slope * 31)
        assert row.scatter == pytest.approx(1.4826 * np.median(np.abs(own - np.median(own))))


def test_short_and_missing_series_have_no_trend(spark: SparkSession) -> None:
    rows = [(0, []), (1, [Row(at=0, value=2.0)]), (2, None)]
    frame = spark.createDataFrame(rows, "number int, points array<struct<at: int, value: double>>")
    values = F.col("points.value")
    trend = trend_of(pair_slopes(F.col("points")), kendall_deviation(values), Z95)
    middles = (median_of(values), midmean_of(values))
    told = frame.select("number", trend.slope, trend.low, trend.confidence, *middles).orderBy("number")
    assert [tuple(row)[1:] for row in told.collect()] == [
        (None, None, 0, None, None),
        (None, None, 0, 2.0, 2.0),
        (None, None, 0, None, None),
    ]


def test_normal_tail_is_scipys(spark: SparkSession) -> None:
    zs = [-6.0, -2.5, -1.0, -1e-9, 0.0, 0.5, 1.96, 4.0, 8.0]
    told = spark.createDataFrame([(z,) for z in zs], "z double").select(normal_cdf(F.col("z"))).collect()
    assert [row[0] for row in told] == pytest.approx([float(norm.cdf(z)) for z in zs], abs=7.5e-8)
