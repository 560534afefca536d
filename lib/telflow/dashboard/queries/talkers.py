"""Customers by what they used, and customers found by a part of their token."""

import re

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.filters import Filters, Period
from telflow.dashboard.queries.customers import SUBSCRIBER, source_of
from telflow.dashboard.relations import CUSTOMERS_BY_DAY

IS_PSEUDONYM = "(customer LIKE 'sub_%' OR customer LIKE 'ip_%')"  # where every source is a customer, some are addresses
TOKEN_PART = re.compile(r"[a-z0-9_]{1,40}")


def top_talkers(reader: Reader, filters: Filters, period: Period, most: int, *, are_subscribers: bool) -> pl.DataFrame:
    """The customers with most bytes in ``period`` under ``filters``, the first first.

    Args:
        reader: what the lake is read with.
        filters: category, plan, region and segment apply.
        period: local days.
        most: how many.
        are_subscribers: False for addresses that no lease tells the subscriber of.

    Returns:
        ``customer``, ``plan``, ``region``, ``bytes``, and ``bytes_up``, ``bytes_down``, ``connections``, which are
        null where a category is chosen, as they are not kept by category.
    """
    source = source_of(filters, period)
    where = source.where.satisfying(IS_PSEUDONYM).satisfying(SUBSCRIBER if are_subscribers else f"NOT {SUBSCRIBER}")
    kept = source.relations[0] == CUSTOMERS_BY_DAY.name
    more = ", ".join(
        f"CAST({f'SUM({name})' if kept else 'NULL'} AS BIGINT) AS {name}"
        for name in ("bytes_up", "bytes_down", "connections")
    )
    return reader.query(
        f"""SELECT customer, MAX_BY(plan, local_date) AS plan, MAX_BY(region, local_date) AS region,
        CAST(SUM({source.bytes}) AS BIGINT) AS bytes, {more}
        FROM {source.relations[0]} {where.sql} GROUP BY customer ORDER BY bytes DESC, customer LIMIT {int(most)}""",
        where.parameters,
        source.relations,
    )


def used_bytes(reader: Reader, filters: Filters, period: Period) -> int:
    """Bytes of all customers in ``period`` under ``filters``, those of addresses without a lease included."""
    source = source_of(filters, period)
    sql = f"SELECT CAST(COALESCE(SUM({source.bytes}), 0) AS BIGINT) AS bytes {source.sql}"
    return int(reader.query(sql, source.where.parameters, source.relations).item())


def matching(reader: Reader, part: str, most: int = 20) -> list[str]:
    """Tokens that hold ``part``, those that begin with it first, subscribers before addresses."""
    wanted = part.strip().lower()
    if not TOKEN_PART.fullmatch(wanted):
        return []
    found = reader.query(
        f"""SELECT customer FROM customers_by_day WHERE CONTAINS(customer, ?) AND {IS_PSEUDONYM} GROUP BY customer
        ORDER BY CASE WHEN MAX(CASE WHEN {SUBSCRIBER} THEN 1 ELSE 0 END) = 1 THEN 0 ELSE 1 END,
        POSITION(? IN customer), customer LIMIT {int(most)}""",
        [wanted, wanted],
        [CUSTOMERS_BY_DAY.name],
    )
    tokens: list[str] = found.get_column("customer").to_list()
    return tokens


def is_known(reader: Reader, customer: str) -> bool:
    """Whether the lake has traffic of ``customer`` on any day."""
    sql = f"SELECT COUNT(*) AS days FROM customers_by_day WHERE customer = ? AND {IS_PSEUDONYM}"
    return bool(reader.query(sql, [customer], [CUSTOMERS_BY_DAY.name]).item())
