"""A small lake of customers of three planted kinds, all synthetic, and a few who use a thousand times as much."""

from datetime import date, timedelta
from typing import Any

import numpy as np
from pyspark.sql import Row

from telflow.lake import Lake
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from tests.customers.daily_rows import daily_frame, daily_row

FIRST_DAY = date(2024, 1, 1)
DAYS = 28
EACH = 20
WHALES = 1
# name: median bytes a day, shares of categories, hour that most of it lies in, whether on weekends
KINDS: dict[str, tuple[float, dict[str, float], int, bool]] = {
    "viewer": (4e9, {"streaming & media": 0.7, "web": 0.3}, 20, True),
    "worker": (1e9, {"vpn & tunnelling": 0.6, "web": 0.4}, 14, False),
    "thing": (5e7, {"iot & industrial": 0.8, "web": 0.2}, 3, True),
}


def planted_days() -> tuple[list[Row], dict[str, str]]:
    """Rows of customer_daily, and the kind of each customer."""
    rng = np.random.default_rng(7)
    rows: list[Row] = []
    kinds: dict[str, str] = {}
    for kind, (volume, shares, hour, on_weekends) in KINDS.items():
        for number in range(EACH):
            customer = f"sub_{kind}_{number:02}"
            kinds[customer] = kind
            level = volume * rng.lognormal(0.0, 0.3) * (1000 if kind == "viewer" and number < WHALES else 1)
            rows += [
                used_day(customer, FIRST_DAY + timedelta(days=day), int(level * rng.lognormal(0, 0.2)), shares, hour)
                for day in range(DAYS)
                if on_weekends or day % 7 < 5
            ]
    return rows, kinds


def used_day(customer: str, day: date, volume: int, shares: dict[str, float], hour: int) -> Row:
    parts = {category: int(volume * share) for category, share in shares.items()}
    total = sum(parts.values())
    hours = [total // 50] * 24
    hours[hour] += total - sum(hours)
    up = total // 10
    given: dict[str, Any] = {
        "bytes_up": up,
        "bytes_down": total - up,
        "bytes_by_category": parts,
        "bytes_by_hour": hours,
        "connections": 10,
        "active_hours": 24,
    }
    return daily_row(customer, day, **given)


def write_planted(lake: Lake) -> dict[str, str]:
    """Put the customers and their truth into ``lake``; the kind of each."""
    rows, kinds = planted_days()
    lake.replace_all(CUSTOMER_DAILY, daily_frame(lake.spark, rows))
    least: dict[str, Any] = {
        "plan_fit": "steady",
        "flows_per_day": 10.0,
        "monthly_gigabytes": 1.0,
        "signup_date": FIRST_DAY,
        "churn_date": None,
        "decline_date": None,
        "plan": "basic",
        "final_utilisation": 0.5,
        "ideal_plan": "basic",
        "needs_upsize": False,
    }
    truth = [{**least, "customer": customer, "segment": kind} for customer, kind in kinds.items()]
    told = [tuple(row[column] for column in TRUTH_CUSTOMERS.columns) for row in truth]
    lake.replace_all(TRUTH_CUSTOMERS, lake.spark.createDataFrame(told, TRUTH_CUSTOMERS.schema))
    return kinds
