"""What the synthetic provider knows of its customers: the CSV files it would deliver."""

from datetime import datetime

import numpy as np
import polars as pl

from telflow.simulate.catalogue import CHURN_REASONS, COMPLAINT_TOPICS, CONTRACTS, PAYMENTS, PLAN_NAMES, PLANS, REGIONS
from telflow.simulate.customers import NEVER, Customers, complaint_days
from telflow.simulate.draws import Integers, choice
from telflow.simulate.leases import Calendar


def subscriber_ids(number: Integers) -> pl.Series:
    """Ids such as S0000001 of customers by number."""
    return pl.Series([f"S{value + 1:07d}" for value in number], dtype=pl.String)


def dates(days: Integers, calendar: Calendar) -> pl.Series:
    """Days counted from the first local day as dates; null for NEVER."""
    known = pl.Series(days)
    return pl.select(
        pl.when(known < NEVER).then(pl.lit(calendar.start) + pl.duration(days=pl.min_horizontal(known, pl.lit(10**5))))
    ).to_series()


def instants(seconds: pl.Expr, epoch: datetime) -> pl.Expr:
    """Seconds since ``epoch`` as ISO 8601 UTC text."""
    at = pl.lit(epoch.replace(tzinfo=None)) + pl.duration(seconds=seconds)
    return at.dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def subscribers(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a subscriber.

    ``subscriber_id``, ``plan``, ``region``, ``signup_date``, ``contract``, ``payment``, ``marketing_consent``.
    """
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(customers.number),
            "plan": pl.Series(PLAN_NAMES).gather(customers.plan),
            "region": pl.Series(list(REGIONS)).gather(customers.region),
            "signup_date": dates(customers.signup_day, calendar),
            "contract": pl.Series(list(CONTRACTS)).gather(customers.contract),
            "payment": pl.Series(list(PAYMENTS)).gather(customers.payment),
            "marketing_consent": pl.Series(customers.consents),
        }
    )


def plans() -> pl.DataFrame:
    """One row a plan: ``plan``, ``monthly_price``, ``volume_gigabytes``, ``down_mbps``, ``up_mbps``."""
    return pl.DataFrame([vars(plan) for plan in PLANS]).rename({"name": "plan"})


def churn_events(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a subscriber who left: ``subscriber_id``, ``churn_date`` (last day), ``reason``."""
    left = customers.churn_day < NEVER
    number = customers.number[left]
    reason = choice(customers.settings.seed, "reason", np.ones(len(CHURN_REASONS)), number)
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(number),
            "churn_date": dates(customers.churn_day[left], calendar),
            "reason": pl.Series(CHURN_REASONS).gather(reason),
        }
    ).sort("churn_date", "subscriber_id")


def complaints(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a complaint: ``subscriber_id``, ``complaint_date``, ``topic``."""
    seed, number = customers.settings.seed, customers.number
    day = complaint_days(seed, number, customers.complaints.shape[1])
    is_made = (customers.complaints > 0) & (day <= customers.churn_day[:, None]) & (day < calendar.days)
    row, week = np.nonzero(is_made)
    topic = choice(seed, "topic", np.ones(len(COMPLAINT_TOPICS)), number[row], week)
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(number[row]),
            "complaint_date": dates(day[row, week], calendar),
            "topic": pl.Series(COMPLAINT_TOPICS).gather(topic),
        }
    ).sort("complaint_date", "subscriber_id")


def leases(delivered: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Leases as delivered: ``subscriber_id``, ``address``, ``valid_from``, ``valid_to`` (empty while it lasts)."""
    rows = delivered.filter(pl.col("fault") != "missing")
    return rows.select(
        subscriber_id=subscriber_ids(rows["customer"].to_numpy()),
        address="address",
        valid_from=instants(pl.col("valid_from"), calendar.epoch),
        valid_to=instants(pl.col("delivered_to"), calendar.epoch),
    )
