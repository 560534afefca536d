"""Samples of load, and what there is to look at the load of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.customers import SUBSCRIBER
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import CUSTOMERS_BY_DAY, SCOPE_LOAD, SCORES
from telflow.errors import TableMissingError
from telflow.privacy.suppression import hidden_on_any_day

KINDS = ("category", "plan", "region")
NO_TIER = "none"
LOAD = [SCOPE_LOAD.name]


@dataclass(frozen=True)
class Scope:
    """What load is looked at: the network, or categories, plans, regions or tiers, added up."""

    kind: str = "network"
    names: tuple[str, ...] = ()

    def where(self, period: Period) -> Where:
        """Its samples in ``period`` (local days)."""
        return Where().within("local_date", period).equal("scope_kind", self.kind).among("scope", self.names)

    @property
    def label(self) -> str:
        """In words."""
        return "the whole network" if self.kind == "network" else f"{self.kind} {', '.join(self.names)}"


def scope_of(filters: Filters) -> Scope:
    """The scope that filters of one kind choose; a tier is a parameter of the page."""
    tier = filters.parameter("tier")
    if tier:
        return Scope("tier", (tier,))
    return next((Scope(kind, filters.values(kind)) for kind in KINDS if filters.values(kind)), Scope())


def read_samples(reader: Reader, scope: Scope, period: Period) -> pl.DataFrame:
    """``at`` (UTC), ``seconds`` (length of the sample) and ``bytes`` of ``scope``, in order."""
    where = scope.where(period)
    return reader.query(
        f"""SELECT sample_start AS at, MIN(sample_seconds) AS seconds, CAST(SUM(bytes) AS BIGINT) AS bytes
        FROM scope_load {where.sql} GROUP BY 1 ORDER BY 1""",
        where.parameters,
        LOAD,
    )


def carried_days(reader: Reader, period: Period) -> list[date]:
    """Local days on which the network carried anything: the ones that means are over, for every scope alike."""
    where = Scope().where(period)
    sql = f"SELECT DISTINCT local_date AS day FROM scope_load {where.sql} ORDER BY 1"
    days: list[date] = reader.query(sql, where.parameters, LOAD).get_column("day").to_list()
    return days


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
