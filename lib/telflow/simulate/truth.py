"""The planted truth of synthetic customers, keyed by ``subscriber_id`` in files and by token in the lake."""

import numpy as np
import polars as pl

from telflow.privacy.tokens import Kind, Tokenizer
from telflow.simulate.catalogue import (
    ACTIVITY_NAMES,
    ODD_SERVICES,
    PLAN_NAMES,
    PLANS,
    SEGMENT_NAMES,
    SERVERS_PER_ODD_SERVICE,
)
from telflow.simulate.customers import FIT_NAMES, NEVER, UTILISATION_LIMIT, Customers, recent_complaints
from telflow.simulate.draws import Integers
from telflow.simulate.flows import SERVERS_PER_SERVICE, Services
from telflow.simulate.leases import Calendar
from telflow.simulate.provider import dates, subscriber_ids

PLAN_BYTES = np.array([plan.volume_gigabytes for plan in PLANS]) * 1e9


def truth_customers(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a subscriber: see TRUTH_CUSTOMERS in ``telflow.tables``."""
    last_month = customers.monthly_bytes(calendar.days - 1)
    utilisation = last_month / PLAN_BYTES[customers.plan]
    stays = customers.churn_day == NEVER
    fits = last_month[:, None] <= PLAN_BYTES * UTILISATION_LIMIT
    ideal = np.where(fits.any(axis=1), fits.argmax(axis=1), len(PLANS) - 1)
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(customers.number),
            "segment": pl.Series(SEGMENT_NAMES).gather(customers.segment),
            "plan_fit": pl.Series(FIT_NAMES).gather(customers.fit),
            "flows_per_day": customers.flows_per_day,
            "monthly_gigabytes": customers.gigabytes,
            "signup_date": dates(customers.signup_day, calendar),
            "churn_date": dates(customers.churn_day, calendar),
            "decline_date": dates(customers.decline_day, calendar),
            "plan": pl.Series(PLAN_NAMES).gather(customers.plan),
            "final_utilisation": utilisation,
            "ideal_plan": pl.Series(PLAN_NAMES).gather(ideal),
            "needs_upsize": pl.Series(stays & (utilisation > UTILISATION_LIMIT)),
        }
    )


def truth_customer_weeks(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a subscriber and week: see TRUTH_CUSTOMER_WEEKS in ``telflow.tables``."""
    recent = recent_complaints(customers.complaints)
    weeks = [truth_week(customers, calendar, week, recent[:, week]) for week in range(customers.hazard.shape[1])]
    return pl.concat(weeks).sort("subscriber_id", "week")


def truth_week(customers: Customers, calendar: Calendar, week: int, recent: Integers) -> pl.DataFrame:
    """The rows of one week."""
    first, last = week * 7, min(week * 7 + 7, calendar.days)
    expected = np.sum([customers.expected_bytes(day) for day in range(first, last)], axis=0)
    monthly = np.mean([customers.monthly_bytes(day) for day in range(first, last)], axis=0)
    has_churned = (customers.churn_day >= first) & (customers.churn_day < first + 7)
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(customers.number),
            "week": np.full(len(customers), week, dtype=np.int32),
            "week_start": dates(np.full(len(customers), first), calendar),
            "is_subscribed": pl.Series(customers.is_subscribed(first)),
            "expected_bytes": expected,
            "utilisation": monthly / PLAN_BYTES[customers.plan],
            "fall": customers.fall[:, week],
            "recent_complaints": recent.astype(np.int32),
            "churn_probability": customers.hazard[:, week],
            "has_churned": pl.Series(has_churned),
        }
    )


def truth_customer_categories(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """One row a subscriber and category: see TRUTH_CUSTOMER_CATEGORIES in ``telflow.tables``."""
    count = len(ACTIVITY_NAMES)
    volume = customers.mix * customers.flow_bytes()
    slope = customers.slope.ravel()
    until = np.minimum(customers.growth_day + customers.growth_weeks * 7, calendar.days)
    direction = np.where(slope > 0, 0, np.where(slope < 0, 1, 2))
    return pl.DataFrame(
        {
            "subscriber_id": subscriber_ids(np.repeat(customers.number, count)),
            "category": list(ACTIVITY_NAMES) * len(customers),
            "flow_share": customers.mix.ravel(),
            "byte_share": (volume / volume.sum(axis=1, keepdims=True)).ravel(),
            "slope_per_week": slope,
            "trend": pl.Series(["rising", "falling", "flat"]).gather(direction),
            "trend_from": dates(np.repeat(customers.growth_day.astype(np.int64), count), calendar),
            "trend_until": dates(np.repeat(until.astype(np.int64), count), calendar),
        }
    )


def truth_services() -> pl.DataFrame:
    """One row a server whose port is registered for something else: see TRUTH_SERVICES in ``telflow.tables``."""
    services, names = Services.table(), {entry[1:4]: entry for entry in ODD_SERVICES}
    addresses = services.servers()
    rows: list[tuple[str, int, int, str, str, str]] = []
    for position in np.flatnonzero(services.is_odd):
        key = (services.names[int(position)], int(services.protocol[position]), int(services.port[position]))
        category, _, _, _, registered = names[key]
        rows.extend(
            (addresses[int(position) * SERVERS_PER_SERVICE + rank], key[1], key[2], key[0], registered, category)
            for rank in range(SERVERS_PER_ODD_SERVICE)
        )
    columns = ["server", "protocol", "port", "true_service", "registered_service", "category"]
    types = {"protocol": pl.Int32, "port": pl.Int32}
    return pl.DataFrame(rows, schema=columns, orient="row", schema_overrides=types)


def truth_leases(delivered: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """One row a lease as it was, delivered well or not: see TRUTH_LEASES in ``telflow.tables``."""

    def at(column: str) -> pl.Expr:
        instant = pl.lit(calendar.epoch.replace(tzinfo=None)) + pl.duration(seconds=pl.col(column))
        return instant.dt.replace_time_zone("UTC").dt.cast_time_unit("us")

    return delivered.select(
        subscriber_id=subscriber_ids(delivered["customer"].to_numpy()),
        address="address",
        valid_from=at("valid_from"),
        valid_to=at("valid_to"),
        fault="fault",
    )


def with_tokens(truth: pl.DataFrame, tokenizer: Tokenizer) -> pl.DataFrame:
    """``truth`` for the lake: ``customer`` and ``address`` as tokens, no subscriber id in the clear."""
    kept = truth
    columns: tuple[tuple[str, str, Kind], ...] = (("subscriber_id", "customer", "sub"), ("address", "address", "ip"))
    for column, name, kind in columns:
        if column in kept.columns:
            known = kept[column].unique(maintain_order=True)
            tokens = pl.Series(tokenizer.tokens(kind, known.to_list()))
            kept = kept.with_columns(pl.col(column).replace_strict(known, tokens)).rename({column: name})
    return kept
