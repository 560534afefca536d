"""Recommendations: from the fit of the plan, the trends and the reviewed rules, with reasons in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from telflow.advice.micro_trends import CUSTOMER, FEW_WEEKS
from telflow.advice.plan_fit import DOWN, RATE_DOWN, RATE_UP, UP, VOLUME
from telflow.advice.rules import Rules
from telflow.settings import AdviceSettings

RETENTION, PLAN_UP, PLAN_DOWN, SERVICE, NO_CHANGE = "retention", "plan up", "plan down", "service", "no change"
ORDER: Final = (RETENTION, PLAN_UP, PLAN_DOWN, SERVICE, NO_CHANGE)
MARKETING: Final = (RETENTION, PLAN_UP, SERVICE)  # what sells something; who pays too much may be told so
RETENTION_OFFER: Final = "retention offer"
FIT, TRENDS, CHURN, COMPLAINED = "plan_fit", "micro_trends", "churn_scores", "complaints"
STREAK_WEEKS: Final = 2  # fewer are no row
PERCENT, GIGABYTES, AS_IT_IS = "%.0f%%", "%.2f", "%s"
TREND: Final = ("category", "direction", "growth_per_week", "recent_share", "earlier_share", "share_shift")
STANDING: Final = ("ufm_level", "churn_probability", "churn_as_of", "is_at_risk", "complaints")
BESIDE: Final = ("as_of", *STANDING, "is_suppressed", "peers")
EVIDENCE: Final = "array<struct<source: string, item: string, measure: string, value: double, shown: string>>"
Words = dict[str, Column]


@dataclass(frozen=True)
class Fact:
    """A number of a reason.

    Attributes:
        source: table that holds it.
        measure: its column there; ``count`` for a number of rows.
        value: the number.
        pattern: how it is written; with two ``%`` as percent; ``%s`` with the decimals it has.
        item: category or day of the row, where a customer has several.
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
        shown = F.format_string(self.pattern, self.value.cast("double") * factor)
        return F.regexp_replace(shown, r"\.0$", "") if self.pattern == AS_IT_IS else shown

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


def phrase(template: str, *parts: Fact | Column) -> Words:
    """``reason`` and ``evidence``: the template with its ``%s`` filled, and its numbers in their order."""
    words = [part.shown if isinstance(part, Fact) else part for part in parts]
    facts = [part.evidence for part in parts if isinstance(part, Fact)]
    return {"reason": F.format_string(template, *words), "evidence": F.array(*facts).cast(EVIDENCE)}


def none(type_name: str) -> Column:
    """A column without values."""
    return F.lit(None).cast(type_name)


def all_where(shown: Sequence[tuple[Column, Words]], between: str = "") -> Words:
    """The words whose condition holds, one after the other."""
    reasons = [F.when(condition, words["reason"]) for condition, words in shown]
    evidence = [F.when(condition, words["evidence"]).otherwise(F.array().cast(EVIDENCE)) for condition, words in shown]
    return {"reason": F.array_join(F.array(*reasons), between), "evidence": F.concat(*evidence)}


@dataclass(frozen=True)
class Offer:
    """A recommendation, not ranked yet.

    Attributes:
        when: for whom it is.
        kind: as in RECOMMENDATIONS.
        rule: rule it follows from.
        words: reason and evidence.
        given: columns that differ from ``suggested_plan``, ``price_difference``, ``confidence`` of the fit and no
            category.
    """

    when: Column
    kind: str
    rule: Column
    words: Words
    given: Words = field(default_factory=dict)

    @property
    def may_approach(self) -> Column:
        """Whether a customer may be approached with it: marketing needs consent, no change is nothing to come with."""
        return F.col("has_consented") if self.kind in MARKETING else F.lit(self.kind != NO_CHANGE)

    def rows(self, known: DataFrame) -> DataFrame:
        """A row for each of ``known`` it is for: plain projections, which Spark compiles small."""
        columns = {
            "kind": F.lit(self.kind),
            "service": F.col("suggested_plan"),
            **self.words,
            "price_difference": F.col("price_difference"),
            "confidence": F.col("confidence"),
            "rule": self.rule,
            "category": none("string"),
            "may_approach": self.may_approach,
            **self.given,
        }
        named = [column.alias(name) for name, column in columns.items()]
        return known.where(self.when).select("customer", *BESIDE, *named)


def with_standing(fit: DataFrame, standing: DataFrame, called: DataFrame, settings: AdviceSettings) -> DataFrame:
    """The fit of each subscriber, with where they stand, and ``is_suppressed`` where offers of more are held back.

    Args:
        fit: rows of PLAN_FIT of one day.
        standing: what ``telflow.advice.standing.standing`` returns, and ``peers``.
        called: what ``needs`` returns.
        settings: complaints that hold offers back.
    """
    calling = called.select("customer", F.expr("true").alias("is_called")).distinct()
    known = fit.join(standing, on="customer", how="inner").join(calling, on="customer", how="left")
    is_wary = F.col("is_at_risk") | (F.col("complaints") >= settings.suppress_complaints)
    has_offer = (F.col("advice") == UP) | (F.col("advice").isNotNull() & F.col("is_called").isNotNull())
    return known.withColumn("is_suppressed", is_wary & F.coalesce(has_offer, F.expr("false")))


def recommendations(known: DataFrame, called: DataFrame, rules: Rules, settings: AdviceSettings) -> DataFrame:
    """Rows of RECOMMENDATIONS but for the associations.

    Who is at risk, or complained, is offered no larger plan and no service. Who has too little history gets none.

    Args:
        known: what ``with_standing`` returns; it is read several times, so keep it.
        called: what ``needs`` returns.
        rules: the reviewed rules.
        settings: confidence, limits on complaints, most recommendations.

    Returns:
        The columns of RECOMMENDATIONS, but ``category``, from whose trend a service follows, in the place of
        ``association`` and ``association_lift``.
    """
    offers = [*retention_offers(settings), larger_plan(), smaller_plan(), *no_change()]
    rows = [offer.rows(known) for offer in offers]
    called_for = known.join(called, on="customer", how="inner")
    every = reduce(DataFrame.unionByName, [*rows, service().rows(called_for)])
    return every.transform(ranked, settings.most).withColumn("rules_version", F.lit(rules.version))


def retention_offers(settings: AdviceSettings) -> list[Offer]:
    """An offer to stay, for those at risk, and for others who complain: also for who has fallen silent of late."""
    given = {"service": F.lit(RETENTION_OFFER), "price_difference": none("double")}
    probability, complaints, is_at_risk = F.col("churn_probability"), F.col("complaints"), F.col("is_at_risk")
    score = Fact(CHURN, "probability", probability, PERCENT, F.col("churn_as_of").cast("string"))
    risk = phrase("an offer to stay pays at a probability to leave of %s", score)
    many = phrase("complaints of late: %s", Fact(COMPLAINED, "count", complaints))
    has_history = F.coalesce("untold_reason", F.lit("")) != FEW_WEEKS
    is_complaining = ~is_at_risk & (complaints >= settings.retention_complaints)
    at_risk, complaining = F.lit("at-risk"), F.lit("complaining")
    return [
        Offer(has_history & is_at_risk, RETENTION, at_risk, risk, {**given, "confidence": probability}),
        Offer(has_history & is_complaining, RETENTION, complaining, many, {**given, "confidence": none("double")}),
    ]


def larger_plan() -> Offer:
    """A larger plan, with all that is too small about the own one, unless offers are held back."""
    volume = phrase(
        "uses %s GB a cycle as things go, %s of what the plan holds",
        Fact(FIT, "pace_gigabytes", F.col("pace_gigabytes"), GIGABYTES),
        Fact(FIT, "utilisation", F.col("utilisation"), PERCENT),
    )
    busiest = phrase(
        ", and up to %s GB at the pace of its busiest weeks",
        Fact(FIT, "volume_p95", F.col("volume_p95"), GIGABYTES),
    )
    is_varied = F.col("volume_p95") > F.col("pace_gigabytes")
    used = all_where([(F.expr("true"), volume), (is_varied, busiest)])
    weeks = F.col("over_limit_weeks")
    streak = phrase("above the limit for %s weeks in a row", Fact(FIT, "over_limit_weeks", weeks))
    rate = "on busy days an hour runs at a mean of at least %s of the plan's rate {}"
    down, up = (
        phrase(rate.format(way), Fact(FIT, column, F.col(column), PERCENT))
        for way, column in (("down", "down_utilisation_p95"), ("up", "up_utilisation_p95"))
    )
    is_short = {cause: F.array_contains("upsize_causes", cause) for cause in (VOLUME, RATE_DOWN, RATE_UP)}
    told = [
        (is_short[VOLUME], used),
        (is_short[VOLUME] & (weeks >= STREAK_WEEKS), streak),
        (is_short[RATE_DOWN], down),
        (is_short[RATE_UP], up),
    ]
    words = all_where(told, "; ")
    is_offered = (F.col("advice") == UP) & ~F.col("is_suppressed")
    return Offer(is_offered, PLAN_UP, F.array_join("upsize_causes", ", "), words)


def smaller_plan() -> Offer:
    """A cheaper plan that would do, by the greater of what it has to hold: the pace and the p95."""
    holds, pace, busy = F.col("suggested_gigabytes"), F.col("pace_gigabytes"), F.col("volume_p95")
    steady = phrase("uses %s GB a cycle as things go", Fact(FIT, "pace_gigabytes", pace, GIGABYTES))
    varied = phrase(
        "uses no more than %s GB a cycle, at the pace of nineteen weeks in twenty",
        Fact(FIT, "volume_p95", busy, GIGABYTES),
    )
    limited = phrase(": a plan of %s GB would do", Fact(FIT, "suggested_gigabytes", holds, AS_IT_IS))
    shown = [(busy > pace, varied), (busy <= pace, steady), (holds.isNotNull(), limited)]
    return Offer(F.col("advice") == DOWN, PLAN_DOWN, F.lit("volume"), all_where(shown))


def no_change() -> list[Offer]:
    """All is well as it is, or nothing better is to be had: for everybody, and dropped beside anything else."""
    used = F.col("utilisation")
    share = (used.isNotNull(), phrase(", %s of its volume in use", Fact(FIT, "utilisation", used, PERCENT)))
    waiting = phrase("offers of more wait, complaints of late: %s", Fact(COMPLAINED, "count", F.col("complaints")))
    fits, largest = (
        all_where([(F.expr("true"), phrase(words)), share]) for words in ("the plan fits", "no plan with more is sold")
    )
    given = {"service": F.lit(NO_CHANGE), "price_difference": F.lit(0.0)}
    unsure = {**given, "confidence": none("double")}
    is_told, waits, is_full = F.col("advice").isNotNull(), F.col("is_suppressed"), F.size("upsize_causes") > 0
    return [
        Offer(is_told & waits, NO_CHANGE, F.lit("suppressed"), waiting, unsure),
        Offer(is_told & ~waits & is_full, NO_CHANGE, F.lit("largest-plan"), largest, unsure),
        Offer(is_told & ~waits & ~is_full, NO_CHANGE, F.lit("fits"), fits, given),
    ]


def needs(trends: DataFrame, rules: Rules, settings: AdviceSettings) -> DataFrame:
    """A row for each customer and rule that holds, with the columns of both.

    A rule holds where its category rises, surely enough, with enough of the bytes, and more of them than before.
    """
    listed = F.broadcast(listed_rules(trends.sparkSession, rules))
    rising = trends.where((F.col("scope_kind") == CUSTOMER) & (F.col("direction") == "rising")).select(
        F.col("scope").alias("customer"), *TREND, F.col("confidence").alias("trend_confidence")
    )
    is_sure = (F.col("trend_confidence") >= settings.service_confidence) & (F.col("share_shift") > 0)
    holds = is_sure & (F.col("recent_share") >= F.col("least_share"))
    return rising.join(listed, on="category", how="inner").where(holds)


def listed_rules(spark: SparkSession, rules: Rules) -> DataFrame:
    """The rules as rows."""
    rows = [
        (rule.name, rule.category, rule.least_share, rule.service, rule.monthly_price, rule.with_larger_plan, rule.need)
        for rule in rules.rules
    ]
    return spark.createDataFrame(
        rows,
        "service_rule string, category string, least_share double, sold string, monthly_price double, "
        "with_larger_plan boolean, need string",
    )


def service() -> Offer:
    """The service of the rule beside each customer, unless offers are held back, or a larger plan brings it."""
    category = F.col("category")
    words = phrase(
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
    suits = ~F.col("is_suppressed") & ((F.col("advice") != UP) | F.col("with_larger_plan"))
    return Offer(F.col("advice").isNotNull() & suits, SERVICE, F.col("service_rule"), words, given)


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
