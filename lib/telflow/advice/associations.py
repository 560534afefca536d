"""Which categories customers use together: association rules, as supporting evidence for the reviewed rules."""

from typing import Final

from pyspark.ml.fpm import FPGrowth
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import ALL, CUSTOMER
from telflow.settings import AdviceSettings

LEAST_LIFT: Final = 1.0


def baskets(trends: DataFrame, least_share: float) -> DataFrame:
    """What each customer uses: ``customer`` and ``items``, the categories with ``least_share`` of the recent bytes.

    Args:
        trends: rows of MICRO_TRENDS of one day.
        least_share: part of the recent bytes, 0 to 1.
    """
    is_used = (F.col("scope_kind") == CUSTOMER) & (F.col("category") != ALL) & (F.col("recent_share") >= least_share)
    return trends.where(is_used).groupBy(F.col("scope").alias("customer")).agg(F.collect_set("category").alias("items"))


def associations(baskets: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Association rules among ``baskets`` by FP-growth (Han, Pei and Yin 2000; in parallel, Li and others 2008).

    Args:
        baskets: what the function of that name returns.
        settings: least support and confidence.

    Returns:
        ``antecedent`` (sorted array), ``consequent``, ``support``, ``confidence`` and ``lift``; those alone whose lift
        is above 1, for the others say that the categories avoid each other.
    """
    growth = FPGrowth(
        itemsCol="items", minSupport=settings.association_support, minConfidence=settings.association_confidence
    )
    rules = growth.fit(baskets).associationRules
    return rules.where(F.col("lift") > LEAST_LIFT).select(
        F.sort_array("antecedent").alias("antecedent"),
        F.col("consequent")[0].alias("consequent"),
        "support",
        "confidence",
        "lift",
    )


def strongest_for(baskets: DataFrame, rules: DataFrame) -> DataFrame:
    """The strongest association that leads each customer to each category: the most lift, then the most support.

    Args:
        baskets: ``customer`` and ``items``.
        rules: what ``associations`` returns; few, for they are sent to every task.

    Returns:
        ``customer``, ``category``, ``association`` (the antecedent in words) and ``association_lift``.
    """
    holds = F.size(F.array_except("antecedent", "items")) == 0
    led = baskets.join(F.broadcast(rules), on=holds, how="inner").groupBy(
        "customer", F.col("consequent").alias("category")
    )
    best = F.max_by(F.struct("antecedent", "lift"), F.struct("lift", "support", "antecedent"))
    return led.agg(best.alias("best")).select(
        "customer",
        "category",
        F.array_join("best.antecedent", ", ").alias("association"),
        F.col("best.lift").alias("association_lift"),
    )
