"""Customer scores for a day: measures, cuts, scores and names, from the daily roll-up alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from telflow.customers.cuts import (
    Cuts,
    CutSet,
    counted_quantiles,
    customer_cuts,
    quantile_score,
    recency_quantile_score,
)
from telflow.customers.daily import days_held
from telflow.customers.measures import SCORED, customer_measures, with_status
from telflow.customers.schemes import QUARTILES, RFM_R, SCHEMES, UFM, Scheme
from telflow.customers.segment_names import RFM_R_SEGMENTS, RFM_SEGMENTS, segment_name, ufm_level, value_level
from telflow.lake import Lake, on_day
from telflow.settings import Settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SCORES, SUBSCRIBERS

SCORE_COLUMNS = {
    "recency_days": "recency_score",
    "frequency": "frequency_score",
    "monetary_bytes": "monetary_score",
    "connections": "connections_score",
}


@dataclass(frozen=True)
class EmptyLevel:
    """A level of a measure that no scored customer has, as happens where many customers share one value."""

    scheme: str
    measure: str
    level: int


@dataclass(frozen=True)
class ScoreReport:
    """What scoring found.

    Attributes:
        as_of: local day after the last one looked at; None where the roll-up holds no day at all.
        levels: customers by scheme and level, new and inactive among the levels.
        cuts: cuts used, by scheme and measure; under ``score`` the quartiles of the UFM score.
        empty_levels: levels that nobody has.
    """

    as_of: date | None
    levels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cuts: Mapping[str, Cuts] = field(default_factory=dict)
    empty_levels: tuple[EmptyLevel, ...] = ()


def score_customers(lake: Lake, settings: Settings, as_of: date | None = None) -> ScoreReport:
    """Write the customer_scores of one day, in the place of what was there for that day and the same schemes.

    Args:
        lake: needs customer_daily; subscribers, where there are any, tell who is new.
        settings: ``customers`` names schemes, window and days.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
    """
    chosen = settings.customers
    daily = lake.read(CUSTOMER_DAILY)
    source_version = lake.version(CUSTOMER_DAILY)
    held = days_held(daily)
    if held is None:
        return ScoreReport(None)
    as_of = as_of or held.last + timedelta(days=1)
    subscribers = lake.read(SUBSCRIBERS) if lake.exists(SUBSCRIBERS) else None
    measures = daily.transform(
        customer_measures, as_of, chosen.window_days, chosen.known_days, chosen.connections
    ).transform(with_status, as_of, chosen.new_days, held.first, subscribers)
    schemes = [SCHEMES[name] for name in chosen.schemes]

    measures = measures.persist()
    try:
        cuts = customer_cuts(measures, schemes)
        scores = all_scores(measures, schemes, cuts)
        counts = score_counts(scores)
        stored = stored_cuts(cuts, ufm_quartiles(counts))
        rows = with_value_level_and_cuts(scores, stored).withColumns(
            {
                "as_of": F.lit(as_of),
                "window_days": F.lit(chosen.window_days),
                "customers_cut": F.lit(cuts.customers).cast("bigint"),
                "source_version": F.lit(source_version).cast("bigint"),
            }
        )
        lake.replace(CUSTOMER_SCORES, rows, where_scored(as_of, schemes), note=str(source_version))
    finally:
        measures.unpersist()
    empty = empty_levels(schemes, counts) if cuts.customers else ()
    return ScoreReport(as_of, level_counts(schemes, counts), stored, empty)


def where_scored(as_of: date, schemes: Iterable[Scheme]) -> str:
    """SQL predicate for the rows of CUSTOMER_SCORES that a run writes."""
    names = ", ".join(f"'{scheme.name}'" for scheme in schemes)
    return f"{on_day(as_of)} AND scheme IN ({names})"


def with_scores(measures: DataFrame, scheme: Scheme, cuts: Cuts) -> DataFrame:
    """Scores of the customers whose ``status`` is scored, null for the others.

    Args:
        measures: ``customer``, ``status`` and the columns that ``scheme`` takes its measures from.
        scheme: the scheme.
        cuts: by measure, ascending; from ``customer_cuts``, or from a stored row.

    Returns:
        ``scheme``, ``customer``, ``status``, ``recency_days``, ``frequency``, ``monetary_bytes``, ``connections``, a
        ``_score`` column of each (int, null for a measure the scheme does not cut), ``score`` (int) and ``level``.
    """
    is_scored = F.col("status") == SCORED

    def score_of(measure: str) -> Column:
        if measure not in scheme.measures:
            return F.lit(None).cast("int")
        to_score = recency_quantile_score if measure == "recency_days" else quantile_score
        value = F.when(is_scored, F.col(measure))
        return to_score(value, cuts.get(measure, ()), is_right_open=scheme.is_right_open)

    named = measures.select(
        F.lit(scheme.name).alias("scheme"),
        "customer",
        "status",
        "recency_days",
        F.col(scheme.measures["frequency"]).alias("frequency"),
        "monetary_bytes",
        "connections",
    )
    scored = named.withColumns({score: score_of(measure) for measure, score in SCORE_COLUMNS.items()})
    scored = scored.withColumn("score", total_score(scheme))
    return scored.withColumn("level", F.when(is_scored, level_name(scheme)).otherwise(F.col("status")))


def total_score(scheme: Scheme) -> Column:
    """The three scores as one: their sum in ufm, else the digits of recency, frequency and monetary score."""
    frequency, monetary = F.col("frequency_score"), F.col("monetary_score")
    if scheme == UFM:
        return monetary + frequency + F.col("connections_score")
    return F.col("recency_score") * 100 + frequency * 10 + monetary


def level_name(scheme: Scheme) -> Column:
    """Segment name, or level in ufm, by the scores."""
    if scheme == UFM:
        return ufm_level(F.col("score"))
    rules = RFM_R_SEGMENTS if scheme == RFM_R else RFM_SEGMENTS
    return segment_name(rules, F.col("recency_score"), F.col("frequency_score"), F.col("monetary_score"))


def all_scores(measures: DataFrame, schemes: Iterable[Scheme], cuts: CutSet) -> DataFrame:
    """``with_scores`` of every scheme, one below the other."""
    return reduce(
        DataFrame.unionByName, (with_scores(measures, scheme, cuts.by_scheme[scheme.name]) for scheme in schemes)
    )


def score_counts(scores: DataFrame) -> list[Row]:
    """``customers`` by ``scheme``, ``level``, ``score`` and the four scores: a few hundred groups of however many."""
    groups = scores.groupBy("scheme", "level", "score", *SCORE_COLUMNS.values())
    return groups.agg(F.count(F.lit(1)).alias("customers")).collect()


def ufm_quartiles(counts: Iterable[Row]) -> tuple[float, ...]:
    """Quartiles of the UFM score over the scored customers, from ``score_counts``; none where there are none."""
    scores: Counter[int] = Counter()
    for group in counts:
        if group.scheme == UFM.name and group.score is not None:
            scores[group.score] += group.customers
    return counted_quantiles(scores, QUARTILES)


def stored_cuts(cuts: CutSet, quartiles: tuple[float, ...]) -> dict[str, Cuts]:
    """Cuts by scheme as they are stored: in ufm with the quartiles of the score, as ``score``."""
    return {
        name: {**own, "score": quartiles} if name == UFM.name and quartiles else own
        for name, own in cuts.by_scheme.items()
    }


def with_value_level_and_cuts(scores: DataFrame, cuts: Mapping[str, Cuts]) -> DataFrame:
    """Adds ``value_level`` (string, ufm alone) and ``cuts`` (map of measure to ascending cuts).

    Args:
        scores: what ``with_scores`` returns, of any schemes.
        cuts: what ``stored_cuts`` returns.
    """
    scheme = F.col("scheme")
    quartiles = cuts.get(UFM.name, {}).get("score", ())
    by_scheme = F.create_map(*[part for name, own in cuts.items() for part in (F.lit(name), cuts_column(own))])
    return scores.withColumns(
        {
            "value_level": F.when(scheme == UFM.name, value_level(F.col("score"), quartiles)),
            "cuts": by_scheme[scheme],
        }
    )


def cuts_column(cuts: Cuts) -> Column:
    """``cuts`` as a column of type MAP<STRING, ARRAY<DOUBLE>>."""
    parts = [part for measure, at in cuts.items() for part in (F.lit(measure), F.lit([float(cut) for cut in at]))]
    return F.create_map(*parts).cast("map<string,array<double>>")


def level_counts(schemes: Iterable[Scheme], counts: Iterable[Row]) -> dict[str, Counter[str]]:
    """Customers by scheme and level, from ``score_counts``."""
    levels: dict[str, Counter[str]] = {scheme.name: Counter() for scheme in schemes}
    for group in counts:
        levels[group.scheme][group.level] += group.customers
    return levels


def empty_levels(schemes: Iterable[Scheme], counts: Iterable[Row]) -> tuple[EmptyLevel, ...]:
    """Levels that no scored customer has, from ``score_counts``."""
    held = {(group.scheme, measure, group[score]) for group in counts for measure, score in SCORE_COLUMNS.items()}
    return tuple(
        EmptyLevel(scheme.name, measure, level)
        for scheme in schemes
        for measure in scheme.measures
        for level in range(1, scheme.levels + 1)
        if (scheme.name, measure, level) not in held
    )
