"""A small provider, made up: each customer's name says what becomes of its use. Nobody in it is real."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import Row, SparkSession

from telflow.lake import Lake
from telflow.tables import (
    CHURN_EVENTS,
    CHURN_SCORES,
    COMPLAINTS,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    PLANS,
    SUBSCRIBERS,
    Table,
)
from tests.customers.daily_rows import daily_frame, daily_row

AS_OF = date(2024, 4, 1)
WEEKS = 12
DAYS = (2, 5)  # active days of a week
GIGABYTE = 10**9
CYCLE_WEEKS = 30 / 7
WOBBLE = (1.0, 1.03, 0.98, 1.02, 0.97, 1.01, 0.99, 1.04, 0.96, 1.0, 1.02, 0.98)
PRICES = {"small": (20.0, 50.0), "medium": (40.0, 200.0), "large": (70.0, 600.0), "endless": (200.0, None)}

# gigabytes a cycle, first and last week; part of them in the category of the name, first and last week
GROWTH: dict[str, tuple[float, float, str, float, float]] = {
    "fits": (100, 100, "streaming & media", 0.5, 0.5),
    "outgrows": (80, 260, "streaming & media", 0.4, 0.75),
    "watches": (70, 130, "streaming & media", 0.4, 0.7),
    "full": (190, 190, "web", 0.9, 0.9),
    "discreet": (190, 190, "web", 0.9, 0.9),
    "idle": (10, 10, "web", 0.9, 0.9),
    "games": (100, 100, "gaming", 0.1, 0.4),
    "grumbles": (190, 190, "web", 0.9, 0.9),
    "complains": (190, 190, "web", 0.9, 0.9),
    "wavers": (190, 190, "web", 0.9, 0.9),
    "tops": (900, 900, "web", 0.9, 0.9),
    "unplanned": (100, 100, "web", 0.9, 0.9),
    "left": (190, 190, "web", 0.9, 0.9),
}
PLAN_OF = {"tops": "large", "unplanned": "unheard of"}
SHORT = {"new": 3}  # weeks seen


def days_of(customer: str) -> list[Row]:
    """The customer's days in the twelve weeks, two of each."""
    start, end, category, share_start, share_end = GROWTH.get(customer, GROWTH["fits"])
    rows = []
    for week in range(WEEKS - SHORT.get(customer, WEEKS), WEEKS):
        done = week / (WEEKS - 1)
        volume = start * (end / start) ** done * GIGABYTE / CYCLE_WEEKS / len(DAYS) * WOBBLE[week]
        part = share_start + (share_end - share_start) * done
        for weekday in DAYS:
            day = AS_OF - timedelta(days=7 * (WEEKS - week)) + timedelta(days=weekday)
            rows.append(day_row(customer, day, int(volume), {category: part}))
    return rows


def day_row(customer: str, day: date, volume: int, parts: dict[str, float]) -> Row:
    """A day of ``volume`` bytes, a tenth of them sent, half in one hour; ``parts`` by category, the rest in another."""
    held = {category: int(volume * part) for category, part in parts.items()}
    held["email" if "web" in held else "messaging"] = volume - sum(held.values())
    hours = [0] * 24
    hours[20], hours[21] = volume // 2, volume - volume // 2
    given: dict[str, Any] = {"bytes_up": volume // 10, "bytes_down": volume - volume // 10}
    return daily_row(customer, day, bytes_by_category=held, bytes_by_hour=hours, **given)


def write_world(spark: SparkSession, root: str) -> Lake:
    """The provider's lake, without any advice yet."""
    lake = Lake(spark, root)
    names = [*GROWTH, *SHORT]
    rows = [row for name in names for row in days_of(name)]
    rows.append(daily_row("fits", AS_OF - timedelta(days=90), bytes_up=0))  # the lake begins ninety days ago
    rows.append(day_row("fits", AS_OF, 10**15, {"gaming": 1.0}))  # the day itself is not looked at
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows).coalesce(1))
    known = [
        (name, PLAN_OF.get(name, "medium"), "metro", date(2020, 1, 1), None, None, name != "discreet")
        for name in [*names, "silent"]
    ]
    known.append(("joins", "medium", "metro", AS_OF, None, None, True))
    put(lake, SUBSCRIBERS, known)
    put(lake, PLANS, [(plan, price, volume, 5000.0, 5000.0) for plan, (price, volume) in PRICES.items()])
    put(lake, CHURN_EVENTS, [("left", AS_OF - timedelta(days=1), "price")])
    told = [("grumbles", 1), ("complains", 2), ("complains", 3), ("fits", 29), ("games", 0)]
    put(lake, COMPLAINTS, [(name, AS_OF - timedelta(days=back), "billing") for name, back in told])
    late = AS_OF + timedelta(days=1)
    scores = [("wavers", AS_OF, 0.7), ("full", AS_OF, 0.1), ("full", late, 0.9)]
    put(lake, CHURN_SCORES, [churn_row(*score) for score in scores])
    put(lake, CUSTOMER_SCORES, [score_row(name, "Require Upgrade", "ufm") for name in ("full", "fits")])
    put(lake, CUSTOMER_SCORES, [score_row("idle", "Champions", "rfm")])
    return lake


def put(lake: Lake, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Append ``rows``."""
    lake.append(table, lake.spark.createDataFrame(rows, table.schema).coalesce(1))


def filled(table: Table, **given: Any) -> tuple[Any, ...]:
    """A row of ``table``: what is given, and for other columns that must not be null the least there can be."""
    least = {
        "date": AS_OF,
        "int": 0,
        "bigint": 0,
        "double": 0.0,
        "string": "",
        "boolean": False,
        "timestamp": datetime(2024, 4, 1, tzinfo=UTC),
    }
    return tuple(
        given.get(column.name, None if column.nullable else least[column.dataType.simpleString()])
        for column in table.schema
    )


def churn_row(customer: str, as_of: date, probability: float) -> tuple[Any, ...]:
    """A churn score; from one half on the customer is at risk."""
    at_risk = probability >= 0.5
    return filled(CHURN_SCORES, customer=customer, as_of=as_of, probability=probability, is_at_risk=at_risk)


def score_row(customer: str, level: str, scheme: str) -> tuple[Any, ...]:
    return filled(CUSTOMER_SCORES, customer=customer, as_of=AS_OF, scheme=scheme, level=level, status="scored")
