"""Cuts and scores from them: known quantiles, values on a cut, and what must hold for any customers."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.customers.cuts import (
    CutSet,
    counted_quantiles,
    customer_cuts,
    quantile_score,
    recency_quantile_score,
)
from telflow.customers.schemes import QUARTILES, QUINTILES, RFM, RFM_R, SCHEMES, UFM
from telflow.customers.scores import with_scores

MEASURES = (
    "customer string, status string, recency_days int, active_days bigint, start_times bigint,"
    " monetary_bytes bigint, connections bigint"
)
Customer = tuple[int, int, int, int, int]


def measures_of(spark: SparkSession, customers: list[Customer], status: str = "scored") -> DataFrame:
    return spark.createDataFrame(
        [(str(number), status, *customer) for number, customer in enumerate(customers)], MEASURES
    )


def test_exact_cuts_are_type_7_and_approximate_cuts_are_values(spark: SparkSession) -> None:
    customers = measures_of(spark, [(value, value, value, value, value) for value in (1, 2, 3, 4)])
    cuts = customer_cuts(customers.union(measures_of(spark, [(9, 9, 9, 9, 9)], "new")), [RFM, RFM_R, UFM])
    assert cuts.customers == 4
    assert cuts.by_scheme["ufm"]["monetary_bytes"] == (1.75, 2.5, 3.25)
    assert cuts.by_scheme["rfm_r"]["recency_days"] == pytest.approx((2.6, 3.2, 3.8, 4.4))
    assert cuts.by_scheme["rfm"]["frequency"] == (1.0, 2.0, 3.0, 4.0)


def test_nobody_to_cut_gives_no_cuts(spark: SparkSession) -> None:
    nobody = customer_cuts(measures_of(spark, [(1, 1, 1, 1, 1)], "inactive"), [RFM, UFM])
    assert nobody == CutSet(0, {"rfm": {}, "ufm": {}})


def test_a_value_on_a_cut_belongs_below_unless_right_open(spark: SparkSession) -> None:
    cuts = (10.0, 10.0, 20.0)
    values = spark.createDataFrame([(9,), (10,), (11,), (20,), (21,), (None,)], "value bigint")
    scored = values.select(
        quantile_score(F.col("value"), cuts).alias("closed"),
        quantile_score(F.col("value"), cuts, is_right_open=True).alias("open"),
        recency_quantile_score(F.col("value"), cuts).alias("recency"),
    ).collect()
    assert [row.closed for row in scored] == [1, 1, 3, 3, 4, None]
    assert [row.open for row in scored] == [1, 3, 3, 4, 4, None]
    assert [row.recency for row in scored] == [4, 4, 2, 2, 1, None]


customer = st.tuples(*[st.integers(0, 9) | st.integers(0, 10**13)] * 5).map(
    lambda drawn: (drawn[0] % 10**6, *drawn[1:])
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(customer, min_size=1, max_size=30).flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn)))
)
def test_scores_hold_their_promises(spark: SparkSession, orders: tuple[list[Customer], list[Customer]]) -> None:
    measures, shuffled = (measures_of(spark, order) for order in orders)
    cuts = customer_cuts(measures, SCHEMES.values())
    assert cuts == customer_cuts(shuffled, SCHEMES.values())
    for scheme in SCHEMES.values():
        rows = with_scores(measures, scheme, cuts.by_scheme[scheme.name]).collect()
        for measure in scheme.measures:
            pairs = [(row[measure], row[score_column(measure)]) for row in rows]
            assert_monotone(pairs, scheme.levels, is_reversed=measure == "recency_days")


def score_column(measure: str) -> str:
    return measure.removesuffix("_days").removesuffix("_bytes") + "_score"


def assert_monotone(values_and_scores: list[tuple[int, int]], levels: int, *, is_reversed: bool) -> None:
    by_value: dict[int, set[int]] = {}
    for value, score in values_and_scores:
        by_value.setdefault(value, set()).add(score)
    assert all(len(scores) == 1 for scores in by_value.values()), "equal values, unequal scores"
    in_order = [by_value[value].pop() for value in sorted(by_value, reverse=is_reversed)]
    assert in_order == sorted(in_order)
    assert set(in_order) <= set(range(1, levels + 1))


@given(st.lists(st.integers(3, 12), min_size=1, max_size=200))
def test_counted_quantiles_interpolate_the_sorted_values(values: list[int]) -> None:
    in_order = sorted(values)

    def type_7(probability: Fraction) -> Fraction:
        rank = (len(in_order) - 1) * probability
        below = int(rank)
        above = min(below + 1, len(in_order) - 1)
        return in_order[below] + (rank - below) * (in_order[above] - in_order[below])

    counts = {value: values.count(value) for value in values}
    expected = [float(type_7(Fraction(probability))) for probability in QUARTILES]
    assert counted_quantiles(counts, QUARTILES) == pytest.approx(expected)


def test_counted_quantiles_of_nothing() -> None:
    assert counted_quantiles({}, QUINTILES) == ()
