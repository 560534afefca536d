"""Recommendations: from the fit of the plan, the trends and the reviewed rules, with reasons in words."""

from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from telflow.advice.micro_trends import CUSTOMER
from telflow.advice.plan_fit import DOWN, UP
from telflow.advice.rules import Rules
from telflow.settings import AdviceSettings

RETENTION, PLAN_UP, PLAN_DOWN, SERVICE, NO_CHANGE = "retention", "plan up", "plan down", "service", "no change"
ORDER: Final = (RETENTION, PLAN_UP, PLAN_DOWN, SERVICE, NO_CHANGE)
RETENTION_OFFER: Final = "retention offer"
FIT, TRENDS, CHURN, COMPLAINED = "plan_fit", "micro_trends", "churn_scores", "complaints"
PERCENT, GIGABYTES = "%.0f%%", "%.1f"
TREND: Final = ("category", "direction", "growth_per_week", "recent_share", "earlier_share", "share_shift")
STANDING: Final = ("ufm_level", "churn_probability", "is_at_risk", "complaints", "may_approach", "peers")
BESIDE: Final = ("as_of", *STANDING, "is_suppressed")
EVIDENCE: Final = "array<struct<source: string, item: string, measure: string, value: double, shown: string>>"
RULE: Final = (
    "rule string, category string, least_share double, sold string, monthly_price double, "
    "with_larger_plan boolean, need string"
)
Words = dict[str, Column]


@dataclass(frozen=True)
class Fact:
    """A number of a reason.

    Attributes:
        source: table that holds it.
        measure: its column there; ``count`` for a number of rows.
        value: the number.
        pattern: how it is written; with two ``%`` as percent.
        item: category of the row, where a customer has several.
    """

    source: str
    measure: str
    value: Column
    pattern: str = "%.0f"
    item: str | Column = ""

    @property
    def shown(self) -> Column:
        """The number as written."""
        factor = 100.0 if self.pattern.endswith("%%") else 1.0
        return F.format_string(self.pattern, self.value.cast("double") * factor)

    @property
    def evidence(self) -> Column:
        """The number as a struct of ``evidence``."""
        return F.struct(
            F.lit(self.source).alias("source"),
            F.lit(self.item).alias("item"),
            F.lit(self.measure).alias("measure"),
            self.value.cast("double").alias("value"),
            self.shown.alias("shown"),
        )


def told(template: str, *parts: Fact | Column) -> Words:
    """``reason`` and ``evidence``: the template with its ``%s`` filled, and its numbers in their order."""
    words = [part.shown if isinstance(part, Fact) else part for part in parts]
    facts = [part.evidence for part in parts if isinstance(part, Fact)]
    return {"reason": F.format_string(template, *words), "evidence": F.array(*facts).cast(EVIDENCE)}


def and_where(condition: Column, words: Words, more: Words) -> Words:
    """``words``, and ``more`` after them where ``condition`` holds."""
    reason = F.concat(words["reason"], F.when(condition, more["reason"]).otherwise(""))
    evidence = F.concat(words["evidence"], F.when(condition, more["evidence"]).otherwise(F.array().cast(EVIDENCE)))
    return {"reason": reason, "evidence": evidence}


@dataclass(frozen=True)
class Offer:
    """A recommendation, not ranked yet.

    Attributes:
        when: for whom it is.
        kind: as in RECOMMENDATIONS.
        rule: rule it follows from.
        words: reason and evidence.
        given: columns that differ from ``suggested_plan``, ``price_difference``, ``confidence`` and no category.
    """

    when: Column
    kind: str
    rule: str | Column
    words: Words
    given: Words = field(default_factory=dict)

    def rows(self, known: DataFrame) -> DataFrame:
        """A row for each of ``known`` it is for: plain projections, which Spark compiles small."""
        columns = {
            "kind": F.lit(self.kind),
            "service": F.col("suggested_plan"),
            **self.words,
            "price_difference": F.col("price_difference"),
            "confidence": F.col("confidence"),
            "rule": F.lit(self.rule),
            "category": F.lit(None).cast("string"),
            **self.given,
        }
        named = [column.alias(name) for name, column in columns.items()]
        return known.where(self.when).select("customer", *BESIDE, *named)


def with_standing(fit: DataFrame, standing: DataFrame, settings: AdviceSettings) -> DataFrame:
    """The fit of those it is told of, with where they stand, and ``is_suppressed`` where offers of more are held back.

    Args:
        fit: rows of PLAN_FIT of one day.
        standing: what ``telflow.advice.standing.standing`` returns.
        settings: complaints that hold offers back.
    """
    known = fit.where(F.col("untold_reason").isNull()).join(standing, on="customer", how="inner")
    has_complained = F.col("complaints") >= settings.suppress_complaints
    return known.withColumn("is_suppressed", F.col("is_at_risk") | has_complained)


def recommendations(known: DataFrame, trends: DataFrame, rules: Rules, settings: AdviceSettings) -> DataFrame:
    """Rows of RECOMMENDATIONS but for the associations.

    Who is at risk, or complained, is offered no larger plan and no service.

    Args:
        known: what ``with_standing`` returns; it is read a dozen times, so keep it.
        trends: rows of MICRO_TRENDS of the same day.
        rules: the reviewed rules.
        settings: confidence, limits on complaints, most recommendations.

    Returns:
        The columns of RECOMMENDATIONS, but ``category``, from whose trend a service follows, in the place of
        ``association`` and ``association_lift``.
    """
    offers = [
        *retention_offers(settings),
        *larger_plans(settings.utilisation_limit),
        smaller_plan(),
        *no_change(settings),
    ]
    rows = [offer.rows(known) for offer in offers]
    called_for = known.join(needs(trends, rules, settings), on="customer", how="inner")
    every = reduce(DataFrame.unionByName, [*rows, service().rows(called_for)])
    return every.transform(ranked, settings.most).withColumn("rules_version", F.lit(rules.version))


def retention_offers(settings: AdviceSettings) -> list[Offer]:
    """An offer to stay, for those at risk, and for others who complain."""
    given = {"service": F.lit(RETENTION_OFFER), "price_difference": F.lit(None).cast("double")}
    probability, complaints, is_at_risk = F.col("churn_probability"), F.col("complaints"), F.col("is_at_risk")
    risk = told("likely to leave soon, with a probability of %s", Fact(CHURN, "probability", probability, PERCENT))
    many = told("complaints of late: %s", Fact(COMPLAINED, "count", complaints))
    is_complaining = ~is_at_risk & (complaints >= settings.retention_complaints)
    return [
        Offer(is_at_risk, RETENTION, "at-risk", risk, {**given, "confidence": probability}),
        Offer(is_complaining, RETENTION, "complaining", many, {**given, "confidence": complaints / (complaints + 1)}),
    ]


def larger_plans(limit: float) -> list[Offer]:
    """A larger plan, with what is too small about the own one, unless offers are held back."""
    volume = told(
        "uses %s GB a cycle as things go, %s of what the plan holds, and up to %s GB at the pace of a busy week",
        Fact(FIT, "pace_gigabytes", F.col("pace_gigabytes"), GIGABYTES),
        Fact(FIT, "utilisation", F.col("utilisation"), PERCENT),
        Fact(FIT, "volume_p95", F.col("volume_p95"), GIGABYTES),
    )
    rate = "on busy days an hour runs at a mean of %s of the plan's rate {}"
    down, up = F.col("down_utilisation_p95"), F.col("up_utilisation_p95")
    by_down = told(rate.format("down"), Fact(FIT, "down_utilisation_p95", down, PERCENT))
    by_up = told(rate.format("up"), Fact(FIT, "up_utilisation_p95", up, PERCENT))
    is_offered = (F.col("advice") == UP) & ~F.col("is_suppressed")
    is_slow, is_up_slow = (F.coalesce(used > limit, F.expr("false")) for used in (down, up))
    return [
        Offer(is_offered & is_slow, PLAN_UP, "rate-down", by_down),
        Offer(is_offered & ~is_slow & is_up_slow, PLAN_UP, "rate-up", by_up),
        Offer(is_offered & ~is_slow & ~is_up_slow, PLAN_UP, "volume", volume),
    ]


def smaller_plan() -> Offer:
    """A cheaper plan that would do."""
    holds, week = F.col("suggested_gigabytes"), Fact(FIT, "volume_p95", F.col("volume_p95"), GIGABYTES)
    words = told("uses no more than %s GB a cycle, even at the pace of a busy week", week)
    more = told(": a plan of %s GB would do", Fact(FIT, "suggested_gigabytes", holds))
    return Offer(F.col("advice") == DOWN, PLAN_DOWN, "volume", and_where(holds.isNotNull(), words, more))


def no_change(settings: AdviceSettings) -> list[Offer]:
    """All is well as it is, or nothing better is to be had: for everybody, and dropped beside anything else."""
    used = F.col("utilisation")
    share = told(", %s of its volume in use", Fact(FIT, "utilisation", used, PERCENT))
    waiting = told("offers of more wait, complaints of late: %s", Fact(COMPLAINED, "count", F.col("complaints")))
    fits = and_where(used.isNotNull(), told("the plan fits"), share)
    largest = and_where(used.isNotNull(), told("no larger plan is sold"), share)
    given = {"service": F.lit(NO_CHANGE), "price_difference": F.lit(0.0)}
    waits, is_full = F.col("is_suppressed"), F.col("upsize_confidence") >= settings.upsize_confidence
    return [
        Offer(waits, NO_CHANGE, "suppressed", waiting, given),
        Offer(~waits & is_full, NO_CHANGE, "largest-plan", largest, given),
        Offer(~waits & ~is_full, NO_CHANGE, "fits", fits, given),
    ]


def needs(trends: DataFrame, rules: Rules, settings: AdviceSettings) -> DataFrame:
    """A row for each customer and rule that holds, with the columns of both.

    A rule holds where its category rises, surely enough, with enough of the bytes, and more of them than before.
    """
    rows = [tuple(vars(rule).values()) for rule in rules.rules]
    listed = F.broadcast(trends.sparkSession.createDataFrame(rows, RULE))
    rising = trends.where((F.col("scope_kind") == CUSTOMER) & (F.col("direction") == "rising")).select(
        F.col("scope").alias("customer"), *TREND, F.col("confidence").alias("trend_confidence")
    )
    is_sure = (F.col("trend_confidence") >= settings.service_confidence) & (F.col("share_shift") > 0)
    holds = is_sure & (F.col("recent_share") >= F.col("least_share"))
    return rising.join(listed, on="category", how="inner").where(holds)


def service() -> Offer:
    """The service of the rule beside each customer, unless offers are held back, or a larger plan brings it."""
    category = F.col("category")
    words = told(
        "needs %s: %s grows by %s a week and carries %s of the bytes of late, %s before",
        F.col("need"),
        category,
        Fact(TRENDS, "growth_per_week", F.col("growth_per_week"), PERCENT, category),
        Fact(TRENDS, "recent_share", F.col("recent_share"), PERCENT, category),
        Fact(TRENDS, "earlier_share", F.col("earlier_share"), PERCENT, category),
    )
    given = {
        "service": F.col("sold"),
        "price_difference": F.col("monthly_price"),
        "confidence": F.col("trend_confidence"),
        "category": category,
    }
    suits = ~F.col("is_suppressed") & (F.col("with_larger_plan") | (F.col("advice") != UP))
    return Offer(suits, SERVICE, F.col("rule"), words, given)


def ranked(candidates: DataFrame, most: int) -> DataFrame:
    """Adds ``rank`` and keeps the best ``most`` of each customer, the same service once, no change alone.

    Offers to stay come first, then plans, then services; of one kind the surest first.
    """
    kinds = F.array(*[F.lit(kind) for kind in ORDER])
    surest = [F.desc("confidence"), F.asc("rule")]
    order = Window.partitionBy("customer").orderBy(F.array_position(kinds, F.col("kind")), *surest)
    same = Window.partitionBy("customer", "service").orderBy(*surest)
    once = candidates.withColumn("copy", F.row_number().over(same)).where("copy = 1").drop("copy")
    best = once.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= most)
    return best.where((F.col("kind") != NO_CHANGE) | (F.col("rank") == 1))
