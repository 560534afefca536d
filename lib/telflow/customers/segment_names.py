"""Names for scores: rule tables as data, and the columns that apply them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

OTHERS = "Others"
Range = tuple[int, int]
ANY: Range = (1, 5)


@dataclass(frozen=True)
class SegmentRule:
    """A name for the customers whose scores lie within ranges, both ends included."""

    name: str
    recency: Range
    frequency: Range
    monetary: Range = ANY


RFM_SEGMENTS = (
    SegmentRule("Hibernating", (1, 2), (1, 2)),
    SegmentRule("At Risk", (1, 2), (3, 4)),
    SegmentRule("Can't Lose Them", (1, 2), (5, 5)),
    SegmentRule("About To Sleep", (3, 3), (1, 2)),
    SegmentRule("Need Attention", (3, 3), (3, 3)),
    SegmentRule("Loyal Customers", (3, 4), (4, 5)),
    SegmentRule("Promising", (4, 4), (1, 1)),
    SegmentRule("New Customers", (5, 5), (1, 1)),
    SegmentRule("Potential Loyalist", (4, 5), (2, 3)),
    SegmentRule("Champions", (5, 5), (4, 5)),
)
"""Every pair of recency and frequency score has exactly one name, so the order does not matter."""

RFM_R_SEGMENTS = (
    SegmentRule("Champions", (5, 5), (5, 5), (5, 5)),
    SegmentRule("Potential Loyalist", (3, 5), (3, 5), (2, 5)),
    SegmentRule("Loyal Customers", (2, 4), (2, 4), (2, 4)),
    SegmentRule("Promising", (3, 4), (1, 3), (3, 5)),
    SegmentRule("New Customers", (4, 5), (1, 3), (1, 5)),
    SegmentRule("Can't Lose Them", (1, 2), (3, 4), (4, 5)),
    SegmentRule("At Risk", (1, 2), (2, 5), (4, 5)),
    SegmentRule("Need Attention", (1, 3), (3, 5), (3, 5)),
    SegmentRule("About To Sleep", (2, 3), (1, 3), (1, 4)),
    SegmentRule("Lost", (1, 1), (1, 5), (1, 5)),
)
"""Ranges and their order as published with the R package rfm (0.3.0, example of ``rfm_segment``); the first that
matches names the customer. The order is part of the rules, for they are ambiguous and have a gap:

- 58 of the 125 score triples lie within two to five ranges. 514 of the 995 customers published with the package have
  such a triple. So 444 is Potential Loyalist, though also within Loyal Customers and Need Attention; 555 is
  Champions, though also within Potential Loyalist; 145 is Can't Lose Them before At Risk, Need Attention and Lost.
- 10 triples lie within none (215, 241, 251, 252, 341, 351, 441, 451, 541, 551): their customers are Others. None of
  the 995 has one.
- Names promise more than ranges hold: recency 5, frequency 5 and monetary 4 is a Potential Loyalist, while recency 2
  can be a Loyal Customer. Older articles on the package print other ranges under the same names; these are the ones
  that give all 995 published segments.
"""

UFM_LEVELS = ((10, "Require Upgrade"), (7, "Potential Sales"), (4, "Needs Attention"))
"""Least UFM score of a level and its name, from the highest down."""
UFM_LOWEST = "Possible Customer Loss"
VALUE_LEVELS = ("No Value", "Low", "Medium", "High")


def segment_name(rules: Sequence[SegmentRule], recency: Column, frequency: Column, monetary: Column) -> Column:
    """Name of the first of ``rules`` that the scores lie within, ``Others`` where there is none, null for a null."""
    name = F.when(recency.isNull() | frequency.isNull() | monetary.isNull(), F.lit(None).cast("string"))
    for rule in rules:
        is_within = recency.between(*rule.recency) & frequency.between(*rule.frequency)
        name = name.when(is_within & monetary.between(*rule.monetary), F.lit(rule.name))
    return name.otherwise(F.lit(OTHERS))


def ufm_level(score: Column) -> Column:
    """What a UFM score, 3 to 12, asks for; null for a null."""
    level = F.when(score.isNull(), F.lit(None).cast("string"))
    for least, name in UFM_LEVELS:
        level = level.when(score >= least, F.lit(name))
    return level.otherwise(F.lit(UFM_LOWEST))


def value_level(score: Column, cuts: Sequence[float]) -> Column:
    """Quartile a score lies in: No Value up to the first of three ``cuts``, High above the last; null for a null."""
    level = F.when(score.isNull(), F.lit(None).cast("string"))
    for cut, name in zip(cuts, VALUE_LEVELS, strict=False):
        level = level.when(score <= F.lit(float(cut)), F.lit(name))
    return level.otherwise(F.lit(VALUE_LEVELS[-1]))
