"""Samples of load, and what there is to look at the load of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from telflow.dashboard.busy import HOUR_SECONDS, midnight, on_whole_days
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.customers import SUBSCRIBER, in_segments
from telflow.dashboard.queries.types import days_touched
from telflow.dashboard.queries.where import Where, chosen
from telflow.dashboard.relations import CUSTOMER_HOURS, CUSTOMERS_BY_DAY, HOURS, SCOPE_LOAD, SCORES, SEGMENTS
from telflow.errors import TableMissingError
from telflow.privacy.suppression import hidden_on_any_day

KINDS = ("category", "plan", "region")
OF_CUSTOMERS = ("segment", "plan", "region")
BUSY_HOUR, CLOCK_HOUR = "Busy hour", "Busy clock hour"  # any 60 minutes; where load is kept by hours, one of the clock
NO_TIER = "none"
LOAD = [SCOPE_LOAD.name]


@dataclass(frozen=True)
class Scope:
    """What load is looked at: the network, or categories, plans, regions, tiers or segments, added up."""

    kind: str = "network"
    names: tuple[str, ...] = ()

    def where(self, period: Period, day: str = "local_date") -> Where:
        """Its samples in ``period``, whose days are those of the column ``day``."""
        return Where().within(day, period).equal("scope_kind", self.kind).among("scope", self.names)


def scope_of(filters: Filters) -> Scope:
    """The scope that filters of one kind choose, or of segments and more; a tier is a parameter of the page."""
    tier = filters.parameter("tier")
    if tier:
        return Scope("tier", (tier,))
    if filters.segments:
        return Scope("segment", filters.segments)
    return next((Scope(kind, filters.values(kind)) for kind in KINDS if filters.values(kind)), Scope())


def label_of(filters: Filters) -> str:
    """The scope in words."""
    scope = scope_of(filters)
    if scope.kind == "network":
        return "the whole network"
    chosen_kinds = [kind for kind in OF_CUSTOMERS if filters.values(kind)] if scope.kind == "segment" else []
    named = [(kind, filters.values(kind)) for kind in chosen_kinds] or [(scope.kind, scope.names)]
    return ", ".join(f"{kind} {', '.join(names)}" for kind, names in named)


def load_of(reader: Reader, filters: Filters, period: Period, zone: str, own_zone: str) -> pl.DataFrame:
    """Every sample of what ``filters`` choose in the whole days of ``period``.

    Args:
        reader: what the lake is read with.
        filters: a scope; a segment's days are the provider's.
        period: days of ``zone``.
        zone: the provider's, or UTC.
        own_zone: the provider's.
    """
    scope = scope_of(filters)
    day = "local_date" if zone == own_zone else "utc_date"
    if scope.kind == "segment":
        samples = customer_samples(reader, filters, period, zone)
    else:
        samples = read_samples(reader, scope.where(period, day))
    days = carried_days(reader, period, day)
    return on_whole_days(samples, days if zone == own_zone else seen_whole(reader, days, zone, own_zone), zone)


def customer_samples(reader: Reader, filters: Filters, period: Period, zone: str) -> pl.DataFrame:
    """``at`` (UTC), ``seconds`` and ``bytes`` of the customers of segments, by hours since midnight in ``zone``."""
    where = in_segments(chosen(filters, period, "local_date", ["plan", "region"]), filters)
    sums = ", ".join(f"CAST(SUM({hour}) AS BIGINT) AS {hour}" for hour in HOURS)
    days = reader.query(
        f"SELECT local_date, {sums} FROM customer_hours {where.sql} GROUP BY local_date ORDER BY local_date",
        where.parameters,
        [CUSTOMER_HOURS.name, SEGMENTS.name],
    )
    samples = [
        (midnight(day, zone) + timedelta(hours=elapsed), HOUR_SECONDS, volume)
        for day, *hours in days.iter_rows()
        for elapsed, volume in enumerate(hours)
        if volume
    ]
    return pl.DataFrame(
        samples, schema={"at": pl.Datetime("us", "UTC"), "seconds": pl.Int32, "bytes": pl.Int64}, orient="row"
    )


def read_samples(reader: Reader, where: Where) -> pl.DataFrame:
    """``at`` (UTC), ``seconds`` (length of the sample) and ``bytes`` of a scope, in order."""
    return reader.query(
        f"""SELECT sample_start AS at, MIN(sample_seconds) AS seconds, CAST(SUM(bytes) AS BIGINT) AS bytes
        FROM scope_load {where.sql} GROUP BY 1 ORDER BY 1""",
        where.parameters,
        LOAD,
    )


def carried_days(reader: Reader, period: Period, day: str) -> list[date]:
    """Days on which the network carried anything: the ones that means are over, for every scope alike."""
    where = Scope().where(period, day)
    sql = f"SELECT DISTINCT {day} AS day FROM scope_load {where.sql} ORDER BY 1"
    days: list[date] = reader.query(sql, where.parameters, LOAD).get_column("day").to_list()
    return days


def seen_whole(reader: Reader, days: Sequence[date], zone: str, own_zone: str) -> list[date]:
    """Those of ``days`` that lie in local days with traffic: of others the lake holds a part; all where none does."""
    touched = {day: days_touched(Period(day, day), zone, own_zone) for day in days}
    ends = [end for period in touched.values() for end in (period.first, period.last)]
    carried = set(carried_days(reader, Period(min(ends), max(ends)), "local_date")) if ends else set()
    whole = [day for day, period in touched.items() if {period.first, period.last} <= carried]
    return whole or list(days)


def tiers(reader: Reader, period: Period, minimum: int) -> Sequence[str]:
    """Customer tiers that may be shown, those with most bytes first; none where customers have no scores."""
    where = Scope("tier").where(period)
    sql = f"SELECT scope FROM scope_load {where.sql} GROUP BY scope ORDER BY SUM(bytes) DESC, scope"
    names: list[str] = reader.query(sql, where.parameters, LOAD).get_column("scope").to_list()
    try:
        hidden = hidden_tiers(reader, period, minimum)
    except TableMissingError:
        return []
    return [name for name in names if name not in hidden]


def hidden_tiers(reader: Reader, period: Period, minimum: int) -> set[str]:
    """Tiers that too few subscribers were in on some day, with those that the network's load would tell them by."""
    where = Where().within("local_date", period).satisfying(SUBSCRIBER)
    scored = "scheme = 'ufm' AND value_level IS NOT NULL"
    newest = f"{scored} AND as_of = (SELECT MAX(as_of) FROM customer_scores WHERE {scored})"
    rows = reader.query(
        f"""SELECT local_date, COALESCE(s.value_level, '{NO_TIER}') AS tier, COUNT(DISTINCT t.customer) AS customers
        FROM (SELECT local_date, customer FROM customers_by_day {where.sql}) t
        LEFT JOIN (SELECT customer, value_level FROM customer_scores WHERE {newest}) s ON s.customer = t.customer
        GROUP BY 1, 2""",
        where.parameters,
        [CUSTOMERS_BY_DAY.name, SCORES.name],
    )
    days: dict[date, dict[str, int]] = {}
    for day, tier, customers in rows.iter_rows():
        days.setdefault(day, {})[tier] = customers
    return hidden_on_any_day(days.values(), minimum)
