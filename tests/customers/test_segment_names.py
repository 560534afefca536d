"""Names for scores: every code has its one name, and the published ambiguities are those we tell of."""

from collections import Counter
from itertools import product

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.customers.segment_names import (
    RFM_R_SEGMENTS,
    RFM_SEGMENTS,
    SegmentRule,
    segment_name,
    ufm_level,
    value_level,
)

TRIPLES = list(product(range(1, 6), repeat=3))


def matching(rules: tuple[SegmentRule, ...], recency: int, frequency: int, monetary: int) -> list[str]:
    scores = (recency, frequency, monetary)
    return [
        rule.name
        for rule in rules
        if all(
            low <= score <= high
            for score, (low, high) in zip(scores, (rule.recency, rule.frequency, rule.monetary), strict=True)
        )
    ]


def test_every_rf_code_has_exactly_one_name() -> None:
    names = {(r, f): matching(RFM_SEGMENTS, r, f, 1) for r, f in product(range(1, 6), repeat=2)}
    assert len(names) == 25
    assert all(len(matched) == 1 for matched in names.values())
    assert {matched[0] for matched in names.values()} == {rule.name for rule in RFM_SEGMENTS}


def test_rf_codes_are_named_as_designed(spark: SparkSession) -> None:
    designed: dict[tuple[int | None, int | None], str | None] = {
        (1, 2): "Hibernating",
        (2, 4): "At Risk",
        (1, 5): "Can't Lose Them",
        (3, 2): "About To Sleep",
        (3, 3): "Need Attention",
        (3, 4): "Loyal Customers",
        (4, 5): "Loyal Customers",
        (4, 1): "Promising",
        (5, 1): "New Customers",
        (4, 2): "Potential Loyalist",
        (5, 3): "Potential Loyalist",
        (5, 4): "Champions",
        (5, 5): "Champions",
        (None, 3): None,
        (3, None): None,
    }
    codes = spark.createDataFrame(list(designed), "r int, f int")
    named = codes.select("r", "f", segment_name(RFM_SEGMENTS, F.col("r"), F.col("f"), F.lit(1)).alias("name")).collect()
    assert {(row.r, row.f): row.name for row in named} == designed


def test_published_rules_overlap_and_leave_gaps_as_told() -> None:
    matches = Counter(min(len(matching(RFM_R_SEGMENTS, *triple)), 2) for triple in TRIPLES)
    assert matches == {0: 10, 1: 57, 2: 58}
    assert max(len(matching(RFM_R_SEGMENTS, *triple)) for triple in TRIPLES) == 5


def test_the_first_rule_that_matches_names_a_triple(spark: SparkSession) -> None:
    triples = spark.createDataFrame([*TRIPLES, (1, 1, None)], "r int, f int, m int")
    name = segment_name(RFM_R_SEGMENTS, F.col("r"), F.col("f"), F.col("m")).alias("name")
    actual = {(row.r, row.f, row.m): row.name for row in triples.select("r", "f", "m", name).collect()}
    expected = {triple: (matching(RFM_R_SEGMENTS, *triple) or ["Others"])[0] for triple in TRIPLES}
    assert actual.pop((1, 1, None)) is None
    assert actual == expected
    assert (actual[4, 4, 4], actual[5, 5, 5], actual[1, 4, 5], actual[5, 5, 1]) == (
        "Potential Loyalist",
        "Champions",
        "Can't Lose Them",
        "Others",
    )


def test_ufm_levels_begin_at_their_least_score(spark: SparkSession) -> None:
    scores = spark.createDataFrame([(3,), (4,), (6,), (7,), (9,), (10,), (12,), (None,)], "score int")
    levels = [row.level for row in scores.select(ufm_level(F.col("score")).alias("level")).collect()]
    assert levels == [
        "Possible Customer Loss",
        "Needs Attention",
        "Needs Attention",
        "Potential Sales",
        "Potential Sales",
        "Require Upgrade",
        "Require Upgrade",
        None,
    ]


def test_value_levels_are_closed_above(spark: SparkSession) -> None:
    scores = spark.createDataFrame([(4,), (5,), (6,), (7,), (8,), (9,), (None,)], "score int")
    levels = scores.select(value_level(F.col("score"), (4.5, 6.0, 8.0)).alias("level")).collect()
    assert [row.level for row in levels] == ["No Value", "Low", "Low", "Medium", "Medium", "High", None]
