"""A small simulation, made once."""

from datetime import date

import polars as pl
import pytest

from telflow.settings import SimulateSettings
from telflow.simulate.customers import Customers, make_customers
from telflow.simulate.leases import Calendar
from telflow.simulate.rhythm import utc_days
from telflow.simulate.run import unit_flows

ZONE = "America/Vancouver"


def small_settings(**changes: object) -> SimulateSettings:
    """60 customers over 4 days; ``changes`` go over it."""
    base: dict[str, object] = {
        "customers": 60,
        "days": 4,
        "flows_per_customer_day": 20.0,
        "noise_share": 0.2,
        "start": "2024-01-01",
        "seed": 7,
        "formats": ["nfdump"],
        "files_per_day": 1,
    }
    return SimulateSettings.model_validate(base | changes)


def every_flow(settings: SimulateSettings) -> pl.DataFrame:
    """All flows, with ``utc_day`` and the ``second`` of their start since the first UTC midnight."""
    calendar = Calendar(date.fromisoformat(settings.start), settings.days, ZONE)
    days = len(utc_days(calendar.start, calendar.days, ZONE))
    units = [
        unit_flows(settings, calendar, day, shard).with_columns(
            utc_day=pl.lit(day), second=pl.col("start_ms") // 1000 + day * 86_400
        )
        for day in range(days)
        for shard in range(settings.files_per_day)
    ]
    return pl.concat(units)


def share(mask: pl.Series) -> float:
    """Part of ``mask`` that is true."""
    return float(mask.to_numpy().mean())


def total(*columns: pl.Series) -> int:
    """Sum of all columns, numbers or their text."""
    return sum(int(column.cast(pl.Int64).to_numpy().sum()) for column in columns)


@pytest.fixture(scope="session")
def settings() -> SimulateSettings:
    return small_settings()


@pytest.fixture(scope="session")
def calendar(settings: SimulateSettings) -> Calendar:
    return Calendar(date.fromisoformat(settings.start), settings.days, ZONE)


@pytest.fixture(scope="session")
def customers(settings: SimulateSettings) -> Customers:
    return make_customers(settings, 0, settings.customers)


@pytest.fixture(scope="session")
def flows(settings: SimulateSettings) -> pl.DataFrame:
    return every_flow(settings)


@pytest.fixture(scope="session")
def months() -> SimulateSettings:
    """Enough customers and days for churn, trends and plans; no flows are made of it."""
    return small_settings(customers=2000, days=60, seed=1)


@pytest.fixture(scope="session")
def many(months: SimulateSettings) -> Customers:
    return make_customers(months, 0, months.customers)
