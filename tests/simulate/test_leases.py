"""Leases move and pass on, one holder at a time, and what the provider delivers has the planted faults."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from telflow.settings import SimulateSettings
from telflow.simulate.customers import NEVER, Customers
from telflow.simulate.leases import (
    ADDRESSES_PER_BLOCK,
    DAY_SECONDS,
    Calendar,
    address_numbers,
    address_text,
    delivered_leases,
    ipv4,
    true_leases,
)

MONTHS = Calendar(date(2024, 1, 1), 60, "America/Vancouver")


@pytest.fixture(scope="module")
def leases(many: Customers) -> pl.DataFrame:
    return true_leases(many, MONTHS)


def test_calendar_counts_local_midnights_across_a_change_of_the_clock() -> None:
    spring = Calendar(date(2024, 3, 9), 3, "America/Vancouver")
    assert spring.epoch.date() == date(2024, 3, 9)
    assert [spring.midnight(day) // 3600 for day in range(4)] == [8, 32, 55, 79]
    assert spring.epoch == datetime.fromisoformat("2024-03-09T00:00:00Z")


def test_addresses_are_own_and_all_different() -> None:
    texts = [address_text(number) for number in range(40)]
    assert len(set(texts)) == 40
    assert all(text.startswith(("10.16.", "100.64.")) for text in texts)
    assert ipv4((203 << 24) + (113 << 8) + 7) == "203.0.113.7"


def test_an_address_has_one_holder_at_a_time(leases: pl.DataFrame) -> None:
    in_order = leases.sort("address", "valid_from").with_columns(
        next_from=pl.col("valid_from").shift(-1).over("address")
    )
    assert (in_order["valid_from"] < in_order["valid_to"].fill_null(NEVER)).all()
    overlap = in_order.filter(pl.col("next_from") < pl.col("valid_to").fill_null(NEVER))
    assert overlap.height == 0


def test_a_customer_is_never_without_an_address_while_subscribed(many: Customers, leases: pl.DataFrame) -> None:
    v4 = leases.filter(~pl.col("address").str.contains(":", literal=True)).sort("customer", "valid_from")
    gap = v4.with_columns(next_from=pl.col("valid_from").shift(-1).over("customer")).filter(
        pl.col("next_from").is_not_null() & (pl.col("next_from") != pl.col("valid_to"))
    )
    assert gap.height == 0
    last = v4.group_by("customer", maintain_order=True).agg(pl.col("valid_to").last())["valid_to"]
    stays = many.churn_day == NEVER
    assert last.is_null().to_numpy().tolist() == stays.tolist()
    assert last.drop_nulls().to_list() == [MONTHS.midnight(int(day) + 1) for day in many.churn_day[~stays]]


def test_addresses_pass_to_another_subscriber_on_the_same_day(leases: pl.DataFrame) -> None:
    handed_on = leases.join(leases, left_on=["address", "valid_to"], right_on=["address", "valid_from"], how="inner")
    assert handed_on.height > 500
    assert (handed_on["customer"] != handed_on["customer_right"]).all()


def test_flows_and_leases_tell_of_the_same_addresses(many: Customers, leases: pl.DataFrame) -> None:
    v4 = leases.filter(~pl.col("address").str.contains(":", literal=True))
    customer = np.flatnonzero(many.is_subscribed(30))
    noon = 30 * DAY_SECONDS + 45_000
    at = address_numbers(many.settings, customer, np.full(len(customer), noon), 30)
    assert (at // ADDRESSES_PER_BLOCK == customer // 4).all()
    held = v4.filter((pl.col("valid_from") <= noon) & (noon < pl.col("valid_to").fill_null(NEVER)))
    found = dict(held.filter(pl.col("customer").is_in(customer)).select("customer", "address").iter_rows())
    assert found == {int(who): address_text(int(number)) for who, number in zip(customer, at, strict=True)}


def test_faults_come_in_their_shares_and_do_what_they_say(months: SimulateSettings, leases: pl.DataFrame) -> None:
    delivered = delivered_leases(leases, months.seed)
    ended = delivered.filter(pl.col("valid_to").is_not_null())
    shares = dict(ended["fault"].value_counts(normalize=True).iter_rows())
    assert abs(shares["missing"] - 0.01) < 0.006
    assert abs(shares["stale"] - 0.03) < 0.01
    assert abs(shares["open"] - 0.01) < 0.006
    late = delivered.filter(pl.col("fault") == "stale").select(pl.col("delivered_to") - pl.col("valid_to")).to_series()
    assert int(str(late.min())) >= 3600
    assert int(str(late.max())) < 36 * 3600
    assert delivered.filter(pl.col("fault") == "open")["delivered_to"].is_null().all()
    well = delivered.filter(pl.col("fault") == "none")
    assert well["delivered_to"].equals(well["valid_to"])
