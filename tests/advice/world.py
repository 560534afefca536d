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
    CUSTOMER_SEGMENTS,
    PLANS,
    SUBSCRIBERS,
    TRUTH_CUSTOMER_CATEGORIES,
    TRUTH_CUSTOMER_WEEKS,
    TRUTH_CUSTOMERS,
    Table,
)
from tests.customers.daily_rows import daily_frame, daily_row

AS_OF = date(2024, 4, 1)
SCORED, LABEL_DAYS = date(2024, 3, 30), 14
SHY = ("discreet", "idle", "plays discreetly", "plays and wavers")
WEEKS = 12
DAYS = (2, 5)  # active days of a week
GIGABYTE = 10**9
CYCLE_WEEKS = 30 / 7
WOBBLE = (1.0, 1.03, 0.98, 1.02, 0.97, 1.01, 0.99, 1.04, 0.96, 1.0, 1.02, 0.98)
RATE, NARROW_RATE = 120.0, 8.0  # megabits a second, each way
PRICES: dict[str, tuple[float, Any, float]] = {
    "small": (20.0, 50.0, RATE),
    "narrow": (30.0, 200.0, NARROW_RATE),
    "medium": (40.0, 200.0, RATE),
    "large": (70.0, 600.0, RATE),
    "endless": (200.0, None, RATE),
}

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
    "barely": (0.02, 0.02, "web", 0.9, 0.9),
    "wants out": (10, 10, "web", 0.9, 0.9),
    "gathers": (190, 190, "web", 0.3, 0.3),
    "jumps": (50, 50, "web", 0.9, 0.9),
    "pauses": (100, 100, "web", 0.9, 0.9),
    "falls silent": (190, 190, "web", 0.9, 0.9),
    "grumbles idly": (100, 100, "web", 0.9, 0.9),
    "plays and grumbles": (100, 100, "gaming", 0.1, 0.4),
    "plays and wavers": (100, 100, "gaming", 0.1, 0.4),
    "plays discreetly": (100, 100, "gaming", 0.1, 0.4),
    "lags": (100, 100, "web", 0.9, 0.9),
    "sends": (100, 100, "web", 0.9, 0.9),
    "crams": (500, 500, "web", 0.9, 0.9),
    "full on weekends": (190, 190, "web", 0.9, 0.9),
    "idle on weekends": (10, 10, "web", 0.9, 0.9),
    "once a week": (170, 170, "web", 0.9, 0.9),
}
# of "gathers": parts of further categories in the first and the last week
GATHERED = {
    "gaming": (0.05, 0.2),
    "voip & conferencing": (0.01, 0.1),
    "vpn & tunnelling": (0.02, 0.21),
    "remote access": (0.03, 0.15),
}
RISING = [
    ("outgrows", "streaming & media"),
    ("watches", "streaming & media"),
    *[(name, "gaming") for name in ("games", "plays and grumbles", "plays and wavers", "plays discreetly")],
    *[("gathers", category) for category in GATHERED],
]
STEADY = ("fits", "pauses", "full", "watches")
JUMP = 6  # from this week on "jumps" uses twice as much
SILENT = {"pauses": (4, 5), "falls silent": (7, 8, 9, 10, 11)}  # weeks
PLAN_OF = {"tops": "large", "unplanned": "unheard of", "lags": "narrow", "sends": "narrow", "crams": "large"}
WEEKEND = (4, 5)  # whose days two cycles hold nine of each, and one cycle of weeks eight and a half
DAYS_OF = {"full on weekends": WEEKEND, "idle on weekends": WEEKEND, "once a week": (5,)}
SENT = {"sends": 0.9}  # part of the bytes; of others a tenth
SHORT = {"new": 3}  # weeks seen


def days_of(customer: str) -> list[Row]:
    """The customer's days in the twelve weeks, two of each that is not silent; of one customer one."""
    weekdays = DAYS_OF.get(customer, DAYS)
    start, end, category, share_start, share_end = GROWTH.get(customer, GROWTH["fits"])
    rising = {category: (share_start, share_end), **(GATHERED if customer == "gathers" else {})}
    rows = []
    for week in range(WEEKS - SHORT.get(customer, WEEKS), WEEKS):
        done = week / (WEEKS - 1)
        volume = start * (end / start) ** done * GIGABYTE / CYCLE_WEEKS / len(weekdays) * WOBBLE[week]
        volume *= 2 if customer == "jumps" and week >= JUMP else 1
        parts = {name: first + (last - first) * done for name, (first, last) in rising.items()}
        for weekday in weekdays if week not in SILENT.get(customer, ()) else ():
            day = AS_OF - timedelta(days=7 * (WEEKS - week)) + timedelta(days=weekday)
            rows.append(day_row(customer, day, int(volume), parts))
    return rows


def day_row(customer: str, day: date, volume: int, parts: dict[str, float]) -> Row:
    """A day of ``volume`` bytes, half in one hour, of "crams" all; ``parts`` by category, the rest in another."""
    held = {category: int(volume * part) for category, part in parts.items()}
    held["email" if "web" in held else "messaging"] = volume - sum(held.values())
    hours = [0] * 24
    hours[20] = volume if customer == "crams" else volume // 2
    hours[21] = volume - hours[20]
    sent = int(volume * SENT.get(customer, 0.1))
    given: dict[str, Any] = {"bytes_up": sent, "bytes_down": volume - sent}
    given["plan"] = PLAN_OF.get(customer, "medium")
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
        (name, PLAN_OF.get(name, "medium"), "metro", date(2020, 1, 1), None, None, name not in SHY)
        for name in [*names, "silent"]
        if name != "idle"
    ]
    known.append(("idle", "endless", "metro", date(2020, 1, 1), None, None, False))  # since the day: no matter yet
    known.append(("joins", "medium", "metro", AS_OF, None, None, True))
    put(lake, SUBSCRIBERS, known)
    put(lake, PLANS, [(plan, price, volume, rate, rate) for plan, (price, volume, rate) in PRICES.items()])
    put(lake, CHURN_EVENTS, [("left", AS_OF - timedelta(days=1), "price")])
    put(lake, CUSTOMER_SEGMENTS, [segment_row(name) for name in names])
    told = [("grumbles", 1), ("grumbles idly", 1), ("complains", 2), ("complains", 3), ("fits", 29), ("games", 0)]
    told += [("plays and grumbles", 1), ("once a week", 1), ("once a week", 2)]
    put(lake, COMPLAINTS, [(name, AS_OF - timedelta(days=back), "billing") for name, back in told])
    late = AS_OF + timedelta(days=1)
    at_risk = ("wavers", "wants out", "falls silent", "new", "silent", "plays and wavers")
    scores = [(name, SCORED, 0.7) for name in at_risk]
    scores += [("full", SCORED, 0.1), ("full", late, 0.9), ("full", SCORED - timedelta(days=7), 0.9)]
    put(lake, CHURN_SCORES, [churn_row(*score) for score in scores])
    put(lake, CUSTOMER_SCORES, [score_row(name, "Require Upgrade", "ufm") for name in ("full", "fits")])
    put(lake, CUSTOMER_SCORES, [score_row("idle", "Champions", "rfm")])
    return lake


def write_truth(lake: Lake) -> None:
    """What was planted in the world, as a simulation would tell it."""
    customers, weeks = [], []
    for name, (start, end, *_) in GROWTH.items():
        volume = PRICES[PLAN_OF.get(name, "medium") if name != "unplanned" else "medium"][1]
        for week in range(WEEKS):
            use = start * (end / start) ** (week / (WEEKS - 1)) / volume
            begin = AS_OF - timedelta(days=7 * (WEEKS - week))
            weeks.append(filled(TRUTH_CUSTOMER_WEEKS, customer=name, week=week, week_start=begin, utilisation=use))
        given = {"segment": "made up", "plan_fit": "steady" if name in STEADY else "outgrowing", "ideal_plan": "large"}
        customers.append(filled(TRUTH_CUSTOMERS, customer=name, needs_upsize=end / volume > 0.9, **given))
    put(lake, TRUTH_CUSTOMERS, customers)
    put(lake, TRUTH_CUSTOMER_WEEKS, weeks)
    since, long_ago = AS_OF - timedelta(days=84), AS_OF - timedelta(days=500)
    rising = [(name, category, since, AS_OF) for name, category in RISING]
    rising.append(("pauses", "web", long_ago, AS_OF - timedelta(days=200)))  # over before the first week
    even = filled(TRUTH_CUSTOMER_CATEGORIES, customer="fits", category="web", trend_from=since, trend_until=AS_OF)
    put(lake, TRUTH_CUSTOMER_CATEGORIES, [even, *[trend_row(*trend) for trend in rising]])


def trend_row(customer: str, category: str, since: date, until: date) -> tuple[Any, ...]:
    """A planted rise."""
    given = {"slope_per_week": 0.1, "trend": "rising", "trend_from": since, "trend_until": until}
    return filled(TRUTH_CUSTOMER_CATEGORIES, customer=customer, category=category, **given)


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
    given = {"probability": probability, "is_at_risk": probability >= 0.5, "label_days": LABEL_DAYS}
    return filled(CHURN_SCORES, customer=customer, as_of=as_of, **given)


def segment_row(customer: str) -> tuple[Any, ...]:
    """The segment of a customer, told a week before."""
    segment = "players" if customer in {"games", "gathers", "fits"} else "browsers"
    return filled(CUSTOMER_SEGMENTS, customer=customer, as_of=AS_OF - timedelta(days=7), segment=segment)


def score_row(customer: str, level: str, scheme: str) -> tuple[Any, ...]:
    return filled(CUSTOMER_SCORES, customer=customer, as_of=AS_OF, scheme=scheme, level=level, status="scored")
