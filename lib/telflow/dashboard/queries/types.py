"""Ports and services of either end, and whom of them few use. Days are those of UTC in which the flows began.

A cell is what a day has of one port. Cells of too few customers are left out before anything is summed, with as many
more as the total of their line would give away: so no choice of days or categories tells of them.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from telflow.dashboard.busy import midnight
from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.where import Where, chosen
from telflow.dashboard.relations import PROTOCOLS, TRAFFIC_TYPES
from telflow.privacy.suppression import filter_safe

End = Literal["src", "dst"]
Service = tuple[str, str]  # category and name
COLUMNS = "utc_date, flow_end, category, service, protocol, port, customers, bytes, flows"


def days_touched(period: Period, zone: str, other: str) -> Period:
    """Days of the zone ``other`` that the days of ``zone`` lie in."""
    begins, ends = midnight(period.first, zone), midnight(period.last + timedelta(days=1), zone)
    first, last = (moment.astimezone(ZoneInfo(other)).date() for moment in (begins, ends - timedelta(microseconds=1)))
    return Period(first, last)


def read_cells(reader: Reader, where: Where) -> pl.DataFrame:
    """Rows of traffic_types that hold ``where``, ``protocol`` as its keyword."""
    return reader.query(
        f"""WITH names AS (SELECT protocol, MAX(keyword) AS keyword FROM iana_protocols GROUP BY protocol)
        SELECT t.utc_date, t.flow_end, t.category, t.service, t.port, t.customers, t.bytes, t.flows,
        COALESCE(names.keyword, CAST(t.protocol AS VARCHAR(3))) AS protocol
        FROM (SELECT {COLUMNS} FROM traffic_types {where.sql}) t LEFT JOIN names ON names.protocol = t.protocol""",
        where.parameters,
        [TRAFFIC_TYPES.name, PROTOCOLS.name],
    )


def summed(cells: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """``keys``, ``bytes`` and ``flows``, the largest first."""
    sums = cells.group_by(keys).agg(pl.col("bytes").sum(), pl.col("flows").sum())
    return sums.sort(["bytes", *keys], descending=[True, *[False] * len(keys)], nulls_last=True)


def types_of(reader: Reader, end: End, filters: Filters, period: Period, minimum: int) -> pl.DataFrame:
    """Traffic types of one end as the study had them: ``port``, ``protocol``, ``service``, ``bytes``, ``flows``."""
    where = chosen(filters, period, "utc_date", ["category"]).equal("flow_end", end).satisfying("port IS NOT NULL")
    safe = filter_safe(read_cells(reader, where), "customers", minimum, ["utc_date", "category"])
    return summed(safe, ["port", "protocol", "service"])


def ports_of(reader: Reader, service: Service, period: Period, minimum: int) -> pl.DataFrame:
    """Ports that a service has at the server's side: ``protocol``, ``port``, ``bytes``, ``flows``.

    ``port`` is null for those from 49152 on and for protocols without.
    """
    category, name = service
    where = Where().within("utc_date", period).equal("category", category).equal("service", name)
    cells = read_cells(reader, where.satisfying("is_server"))
    return summed(filter_safe(cells, "customers", minimum, ["utc_date"]), ["protocol", "port"])


def hidden_services(reader: Reader, period: Period, minimum: int) -> set[Service]:
    """Services that too few customers used on some day, with those that their category's total would tell them by."""
    where = Where().within("utc_date", period).satisfying("is_server")
    cells = reader.query(
        f"""SELECT utc_date, category, service, CAST(MAX(customers) AS BIGINT) AS customers
        FROM traffic_types {where.sql} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        where.parameters,
        [TRAFFIC_TYPES.name],
    )
    keys = ["utc_date", "category", "service"]
    safe = filter_safe(cells, "customers", minimum, ["utc_date", "category"])
    hidden = cells.join(safe.select(keys), on=keys, how="anti")
    return set(hidden.select("category", "service").unique().iter_rows())
