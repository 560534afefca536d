"""Where the traffic of chosen customers goes to, read from the flows of the chosen days alone.

Who held an address at a flow's start is its customer, as in customer_daily; an address that nobody held is its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from telflow.dashboard.busy import midnight
from telflow.dashboard.data import Reader, Value
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import FLOW_ENDS, LEASE_SPANS, PROTOCOLS, REMOTE_NETWORKS
from telflow.errors import TableMissingError
from telflow.prefixes import prefix_of

INSIDE = "inside the network"
OTHERS = "other destinations"
NOBODY_HELD = "(SELECT '' AS address, '' AS customer, NULL AS valid_from, NULL AS valid_to)"


def marks(values: Sequence[Value]) -> str:
    """A question mark for each of ``values``."""
    return ", ".join("?" * len(values))


def held_addresses(reader: Reader, customers: Sequence[str], begins: datetime, ends: datetime) -> list[str]:
    """Tokens of the addresses that ``customers`` held between two moments."""
    where = Where().among("customer", customers).satisfying("valid_from < ? AND valid_to > ?", ends, begins)
    sql = f"SELECT DISTINCT address FROM lease_spans {where.sql} ORDER BY 1"
    addresses: list[str] = reader.query(sql, where.parameters, [LEASE_SPANS.name]).get_column("address").to_list()
    return addresses


def traffic_of(reader: Reader, customers: Sequence[str], filters: Filters, period: Period, zone: str) -> pl.DataFrame:
    """Traffic of ``customers`` in ``period`` (days of ``zone``) by where it went and what it was.

    Returns:
        ``prefix`` of the far end (/24 or /48), ``protocol`` (keyword), ``port``, ``service``, ``category``,
        ``bytes``, ``flows``; whole flows, by the day they began on.
    """
    begins, ends = midnight(period.first, zone), midnight(period.last + timedelta(days=1), zone)
    has_leases = True
    try:
        held = held_addresses(reader, customers, begins, ends)
    except TableMissingError:
        has_leases, held = False, []
    own = [*held, *[customer for customer in customers if customer not in held]]
    listed = marks(own)
    days = Where().within("utc_date", Period(begins.date(), ends.date()))
    days = days.satisfying("start_time >= ? AND start_time < ?", begins, ends).among("category", filters.categories)
    is_source = f"is_src_own AND src_ip IN ({listed})"
    leases = f"(SELECT * FROM lease_spans WHERE address IN ({listed}))" if has_leases else NOBODY_HELD
    sql = f"""WITH ends AS (SELECT CASE WHEN {is_source} THEN src_ip ELSE dst_ip END AS own,
        CASE WHEN {is_source} THEN dst_ip ELSE src_ip END AS far, is_src_own AND is_dst_own AS is_inside,
        start_time, protocol, port, service, category, bytes FROM flow_ends
        {days.sql} AND (({is_source}) OR (is_dst_own AND dst_ip IN ({listed})))),
        names AS (SELECT protocol, MAX(keyword) AS keyword FROM iana_protocols GROUP BY protocol)
        SELECT CASE WHEN is_inside THEN '{INSIDE}' ELSE {prefix_of("far")} END AS prefix,
        COALESCE(names.keyword, CAST(ends.protocol AS VARCHAR(3))) AS protocol, port, service, category,
        CAST(SUM(bytes) AS BIGINT) AS bytes, COUNT(*) AS flows FROM ends
        LEFT JOIN {leases} held ON held.address = ends.own
        AND ends.start_time >= held.valid_from AND ends.start_time < held.valid_to
        LEFT JOIN names ON names.protocol = ends.protocol
        WHERE COALESCE(held.customer, ends.own) IN ({marks(customers)})
        GROUP BY 1, 2, 3, 4, 5 ORDER BY bytes DESC"""
    values = [*own, *own, *days.parameters, *own, *own, *(own if has_leases else []), *customers]
    relations = [FLOW_ENDS.name, PROTOCOLS.name, *([LEASE_SPANS.name] if has_leases else [])]
    return reader.query(sql, values, relations)


def shared_networks(reader: Reader, period: Period, minimum: int) -> set[str]:
    """Networks that at least ``minimum`` customers exchanged traffic with on one day of ``period``."""
    where = Where().within("utc_date", Period(period.first, period.last + timedelta(days=1)))
    sql = f"SELECT network FROM remote_networks {where.sql} GROUP BY network HAVING MAX(customers) >= ?"
    return set(reader.query(sql, [*where.parameters, minimum], [REMOTE_NETWORKS.name]).get_column("network").to_list())


def told_destinations(traffic: pl.DataFrame, shared: set[str]) -> pl.DataFrame:
    """``traffic`` with ``destination``: its prefix where that is ``shared`` or inside, else all others together."""
    is_told = pl.col("prefix").is_in([*sorted(shared), INSIDE])
    named = pl.when(is_told).then(pl.col("prefix")).otherwise(pl.lit(OTHERS))
    return traffic.with_columns(named.alias("destination")).drop("prefix")
