"""Probabilities to leave, and what is known of one subscriber."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from telflow.dashboard.data import Reader
from telflow.dashboard.queries.where import Where
from telflow.dashboard.relations import CHURN_SCORES, COMPLAINTS, CUSTOMER_DEVICES, CUSTOMERS_BY_DAY, SUBSCRIBERS
from telflow.errors import TableMissingError


@dataclass(frozen=True)
class Known:
    """What the lake knows of a subscriber.

    Attributes:
        subscriber: row of SUBSCRIBERS.
        days: ``local_date``, ``bytes_up``, ``bytes_down``, ``connections``, ``active_hours`` of each day looked at.
        devices: days and the tokens of the devices seen on each.
        complaints: days of its complaints.
        first_day: first day of the roll-up.
        first_complaint: first complaint of anybody; None where nobody complained.
    """

    subscriber: Mapping[str, Any]
    days: pl.DataFrame
    devices: Mapping[date, tuple[str, ...]]
    complaints: tuple[date, ...]
    first_day: date
    first_complaint: date | None


def probabilities(reader: Reader, as_of: date) -> pl.DataFrame:
    """Everybody scored on ``as_of``, the likeliest to leave first.

    Returns:
        ``customer``, ``probability``, ``is_at_risk``, ``threshold``, ``label_days``, ``version`` and ``reasons``: lists
        of ``feature``, ``contribution`` and ``reason`` in words, the strongest first.
    """
    where = Where().equal("as_of", as_of)
    sql = (
        "SELECT customer, probability, is_at_risk, threshold, label_days, model_version AS version, reasons "
        f"FROM churn_scores {where.sql} ORDER BY probability DESC, customer"
    )
    return reader.query(sql, where.parameters, [CHURN_SCORES.name])


def known_of(reader: Reader, customer: str, as_of: date, days_back: int) -> Known | None:
    """What is known of ``customer`` from the days before ``as_of``; None where it is no subscriber.

    Args:
        reader: of the lake.
        customer: token.
        as_of: local day after the last one looked at.
        days_back: how many days are looked at.
    """
    own = Where().equal("customer", customer)
    columns = "customer, plan, region, signup_date, contract, payment"
    found = reader.query(f"SELECT {columns} FROM subscribers {own.sql}", own.parameters, [SUBSCRIBERS.name])
    if not found.height:
        return None
    looked_at = Where(
        (*own.conditions, "local_date >= ?", "local_date < ?"), (customer, as_of - timedelta(days_back), as_of)
    )
    days = reader.query(
        f"SELECT local_date, bytes_up, bytes_down, connections, active_hours FROM customers_by_day {looked_at.sql}",
        looked_at.parameters,
        [CUSTOMERS_BY_DAY.name],
    )
    devices = reader.query(
        f"SELECT local_date, input_macs FROM customer_devices {looked_at.sql}",
        looked_at.parameters,
        [CUSTOMER_DEVICES.name],
    )
    first_day = reader.query("SELECT MIN(local_date) AS day FROM customers_by_day", [], [CUSTOMERS_BY_DAY.name]).item()
    complaints, first_complaint = complaints_of(reader, customer)
    return Known(
        found.row(0, named=True),
        days,
        {day: tuple(tokens or ()) for day, tokens in devices.iter_rows()},
        complaints,
        first_day,
        first_complaint,
    )


def complaints_of(reader: Reader, customer: str) -> tuple[tuple[date, ...], date | None]:
    """Days of the complaints of ``customer``, and the first of anybody; none where the provider delivers none."""
    own = Where().equal("customer", customer)
    try:
        days = reader.query(f"SELECT complaint_date FROM complaints {own.sql}", own.parameters, [COMPLAINTS.name])
        first = reader.query("SELECT MIN(complaint_date) AS day FROM complaints", [], [COMPLAINTS.name]).item()
    except TableMissingError:
        return (), None
    return tuple(days.get_column("complaint_date").to_list()), first
