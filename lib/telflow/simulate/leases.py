"""Which synthetic customer holds which own-side address at what time.

Four customers share a block of five addresses. Now and then the block is renumbered: each of them takes the next
address of the block, so that most addresses pass from one subscriber to another in the same second. Times here are
seconds since midnight UTC of the first UTC day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from telflow.settings import SimulateSettings
from telflow.simulate.customers import NEVER, Customers
from telflow.simulate.draws import Integers, integer, uniform

CUSTOMERS_PER_BLOCK, ADDRESSES_PER_BLOCK = 4, 5
DAYS_BETWEEN_RENUMBERINGS = 40
DAY_SECONDS = 86_400
MISSING_SHARE, STALE_SHARE, OPEN_SHARE = 0.01, 0.03, 0.01


@dataclass(frozen=True)
class Calendar:
    """Local days and UTC seconds of a simulation."""

    start: date
    days: int
    zone: str

    @property
    def epoch(self) -> datetime:
        """Midnight UTC of the first UTC day: second 0."""
        local = datetime(self.start.year, self.start.month, self.start.day, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return datetime(local.year, local.month, local.day, tzinfo=UTC)

    def midnight(self, day: int) -> int:
        """Second at which local day ``day`` begins."""
        at = self.start + timedelta(days=day)
        local = datetime(at.year, at.month, at.day, tzinfo=ZoneInfo(self.zone))
        return int((local.astimezone(UTC) - self.epoch).total_seconds())


def renumberings(settings: SimulateSettings, block: Integers, utc_day: int) -> Integers:
    """Second at which each block is renumbered on ``utc_day`` (counted from the first), NEVER where it is not."""
    happens = uniform(settings.seed, "renumber", block, utc_day) < 1 / DAYS_BETWEEN_RENUMBERINGS
    second = utc_day * DAY_SECONDS + integer(settings.seed, "renumber at", 0, DAY_SECONDS, block, utc_day)
    return np.asarray(np.where(happens, second, NEVER))


def address_numbers(settings: SimulateSettings, customer: Integers, second: Integers, utc_day: int) -> Integers:
    """Number of the address that each of ``customer`` holds at ``second``, all on ``utc_day``."""
    block = customer // CUSTOMERS_PER_BLOCK
    low, high = int(block.min(initial=NEVER)), int(block.max(initial=0)) + 1
    blocks = np.arange(min(low, high), high, dtype=np.int64)
    before = np.zeros(len(blocks), dtype=np.int64)
    for day in range(utc_day):
        before += renumberings(settings, blocks, day) < NEVER
    today = renumberings(settings, blocks, utc_day)
    turns = before[block - low] + (today[block - low] <= second)
    return np.asarray(block * ADDRESSES_PER_BLOCK + (customer % CUSTOMERS_PER_BLOCK + turns) % ADDRESSES_PER_BLOCK)


def address_text(number: int) -> str:
    """Address ``number`` of the customers' pools: every other block from 10.16.0.0 up, the rest from 100.64.0.0."""
    base = (10 << 24) + (16 << 16) if number // ADDRESSES_PER_BLOCK % 2 == 0 else (100 << 24) + (64 << 16)
    return ipv4(base + number)


def ipv4(value: int) -> str:
    """Dotted quad of a 32-bit number."""
    return f"{value >> 24 & 255}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def ipv6_text(customer: int) -> str:
    """The one IPv6 address of a customer, unique local (RFC 4193)."""
    return f"fd00:0:{customer >> 16:x}:{customer & 0xFFFF:x}::1"


def true_leases(customers: Customers, calendar: Calendar) -> pl.DataFrame:
    """Who held which address from when to when: ``customer`` (number), ``address``, ``valid_from``, ``valid_to``.

    Seconds; ``valid_to`` is null while the lease lasts.
    """
    settings, number = customers.settings, customers.number
    offset = integer(settings.seed, "first lease", 1, 20 * DAY_SECONDS, number)
    ends = np.array([NEVER if day == NEVER else calendar.midnight(int(day) + 1) for day in customers.churn_day])
    joins = np.array([calendar.midnight(max(int(day), 0)) for day in customers.signup_day])
    begins = np.where(customers.signup_day > 0, joins, joins - offset)
    moved_customer, moved_at = moves(customers, calendar)
    is_held = (moved_at > begins[moved_customer]) & (moved_at < ends[moved_customer])
    rows = pl.concat(
        [
            pl.DataFrame({"row": np.arange(len(number)), "valid_from": begins, "is_move": False}),
            pl.DataFrame({"row": moved_customer[is_held], "valid_from": moved_at[is_held], "is_move": True}),
        ]
    ).sort("row", "valid_from")
    earlier = np.bincount(moved_customer[~is_held & (moved_at <= begins[moved_customer])], minlength=len(number))
    rows = rows.with_columns(turns=pl.col("is_move").cast(pl.Int64).cum_sum().over("row"))
    row = rows["row"].to_numpy()
    customer = number[row]
    block, slot = customer // CUSTOMERS_PER_BLOCK, customer % CUSTOMERS_PER_BLOCK
    address = block * ADDRESSES_PER_BLOCK + (slot + earlier[row] + rows["turns"].to_numpy()) % ADDRESSES_PER_BLOCK
    v4 = rows.select(
        customer=pl.Series(customer),
        address=pl.Series([address_text(int(value)) for value in address]),
        valid_from="valid_from",
        valid_to=pl.col("valid_from").shift(-1).over("row").fill_null(pl.Series(ends).gather(row)),
    )
    has = customers.has_ipv6
    v6 = pl.DataFrame(
        {
            "customer": number[has],
            "address": [ipv6_text(int(value)) for value in number[has]],
            "valid_from": begins[has],
            "valid_to": ends[has],
        },
        schema=v4.schema,
    )
    leases = pl.concat([v4, v6]).sort("customer", "valid_from", "address")
    return leases.with_columns(valid_to=pl.when(pl.col("valid_to") < NEVER).then("valid_to"))


def moves(customers: Customers, calendar: Calendar) -> tuple[Integers, Integers]:
    """Every move of every customer as (position in ``customers``, second), subscribed or not."""
    block = customers.number // CUSTOMERS_PER_BLOCK
    days = -(-calendar.midnight(calendar.days) // DAY_SECONDS)
    found = []
    for day in range(days):
        second = renumberings(customers.settings, block, day)
        at = np.flatnonzero(second < NEVER)
        found.append((at, second[at]))
    return np.concatenate([at for at, _ in found]), np.concatenate([second for _, second in found])


def delivered_leases(leases: pl.DataFrame, seed: int) -> pl.DataFrame:
    """``leases`` with what goes wrong in a provider's table: column ``fault`` says how a row is delivered.

    none: as it was; missing: not at all; stale: its end comes hours late and overlaps the next holder's; open: it was
    never ended. ``delivered_to`` is the end as delivered.
    """
    key = (leases["customer"].to_numpy(), leases["valid_from"].to_numpy())
    drawn = pl.Series(uniform(seed, "lease fault", *key))
    late = pl.Series(integer(seed, "lease late", 3600, 36 * 3600, *key))
    has_ended = pl.col("valid_to").is_not_null()
    fault = (
        pl.when(drawn < MISSING_SHARE)
        .then(pl.lit("missing"))
        .when(has_ended & (drawn < MISSING_SHARE + STALE_SHARE))
        .then(pl.lit("stale"))
        .when(has_ended & (drawn < MISSING_SHARE + STALE_SHARE + OPEN_SHARE))
        .then(pl.lit("open"))
        .otherwise(pl.lit("none"))
    )
    marked = leases.with_columns(fault=fault)
    end = pl.when(pl.col("fault") == "stale").then(pl.col("valid_to") + late)
    return marked.with_columns(delivered_to=end.when(pl.col("fault") != "open").then("valid_to"))
