"""Small lakes for tests, written by delta-rs from frames: synthetic, and without Spark."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from telflow import tables
from telflow.settings import Settings, load_settings
from telflow.tables import Table
from tests.dashboard.scored import write_moves, write_store

COLUMN = re.compile(r"^\s*(\w+)\s+([A-Z]+(?:<.*>)?)(\s+NOT NULL)?\s+COMMENT", re.MULTILINE)
PLAIN = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "BINARY": pa.binary(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
}
FIRST, DAYS = date(2024, 2, 20), 28  # the clocks of America/Vancouver go forward on 10 March 2024
AS_OF = FIRST + timedelta(days=DAYS)
THEN = AS_OF - timedelta(days=14)
LATER = tuple(f"sub_basic{number}" for number in range(26, 30))  # nothing is told of them as of THEN
ADDRESS = "ip_nobody"  # no lease covers it
NEW = "sub_plus00"  # too little is known of it
CATEGORIES = {"web": ("https", 443), "gaming": ("xbox", 3074), "unassigned": ("unassigned", 40000)}
FITS: dict[str, dict[str, Any]] = {
    "basic": {"advice": "up", "utilisation": 1.04, "upsize_causes": ["volume"], "confidence": 0.75,
              "suggested_plan": "plus", "price_difference": 16.0},
    "plus": {"advice": "stay", "utilisation": 0.5, "confidence": 0.9},
    "ultra": {"advice": "stay"},
}  # fmt: skip
PLANS = {"basic": 30, "plus": 24, "ultra": 4}  # customers of each: ultra is too small to be shown


def arrow_type(spelled: str) -> pa.DataType:
    """Arrow's type for one of DDL."""
    if spelled.startswith("ARRAY<"):
        return pa.list_(arrow_type(spelled[6:-1]))
    if spelled.startswith("STRUCT<"):
        fields = [field.split(":") for field in spelled[7:-1].split(",")]
        return pa.struct([(name.strip(), arrow_type(kind.strip())) for name, kind in fields])
    if spelled.startswith("MAP<"):
        key, value = spelled[4:-1].split(",", 1)
        return pa.map_(arrow_type(key), arrow_type(value))
    return PLAIN[spelled]


def arrow_schema(table: Table) -> pa.Schema:
    """The declared columns of ``table`` as Arrow has them."""
    found = COLUMN.findall(table.ddl)
    return pa.schema([pa.field(name, arrow_type(spelled), nullable=not required) for name, spelled, required in found])


def write(root: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    """Add ``rows`` to ``table``; a column that they leave out is null, or nothing of its kind where it may not be."""
    schema = arrow_schema(table)
    blank = {field.name: None if field.nullable else empty(field.type) for field in schema}
    filled = pa.Table.from_pylist([{**blank, **row} for row in rows], schema=schema)
    write_deltalake(str(root / table.name), filled, mode="append", partition_by=list(table.partition_by) or None)


def empty(kind: pa.DataType) -> object:
    """A value that says nothing."""
    return {"string": "", "bool": False, "date32[day]": FIRST}.get(
        str(kind), datetime(2024, 1, 1, tzinfo=UTC) if pa.types.is_timestamp(kind) else 0
    )


def customers() -> list[tuple[str, str]]:
    """Token and plan of each customer."""
    return [(f"sub_{plan}{number:02d}", plan) for plan, number_of in PLANS.items() for number in range(number_of)]


def small_lake(root: Path) -> Path:
    """Four weeks over a change of the clocks, three categories, three plans, one region."""
    local_days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    write(root, tables.TRAFFIC_BY_WINDOW, [row for day in local_days for row in window_rows(day)])
    write(root, tables.SCOPE_LOAD, [row for day in local_days for row in load_rows(day)])
    write(root, tables.CUSTOMER_DAILY, [row for day in local_days for row in customer_rows(day)])
    write(root, tables.RECLASSIFICATION, [row for day in local_days for row in label_rows(day)])
    write(root, tables.FLOWS, [row for day in local_days for row in flow_rows(day)])
    write(root, tables.TRAFFIC_TYPES, [row for day in [*local_days, AS_OF] for row in type_rows(day)])  # days of UTC
    write(root, tables.REMOTE_NETWORKS, [row for day in local_days for row in network_rows(day)])
    write(root, tables.IANA_PROTOCOLS, [{"registry_version": "1", "protocol": 6, "keyword": "tcp"}])
    write(root, tables.LEASE_SPANS, lease_rows())
    write(root, tables.SUBSCRIBERS, subscriber_rows())
    write(root, tables.CUSTOMER_SCORES, two_dates(score_rows()))
    write(root, tables.CUSTOMER_SEGMENTS, two_dates(segment_rows()))
    write(root, tables.CHURN_SCORES, two_dates(churn_rows()))
    write(root, tables.MICRO_TRENDS, trend_rows())
    write(root, tables.PLAN_FIT, two_dates(fit_rows()))
    write(root, tables.RECOMMENDATIONS, two_dates(offer_rows()))
    write_moves(root, AS_OF, customers()[0][0], write)
    write(root, tables.LAKE_FACTS, [{"fact": "records", "value": "synthetic"}])
    write_store(root)
    return root


def two_dates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` of ``AS_OF``, and the same of ``THEN`` but those of customers that came later."""
    return [*rows, *({**row, "as_of": THEN} for row in rows if row["customer"] not in LATER)]


def hours_of(day: date) -> list[tuple[datetime, int]]:
    """UTC start of each hour that begins on the local ``day``, and how busy it is."""
    begins = datetime(day.year, day.month, day.day, 8 if day <= date(2024, 3, 10) else 7, tzinfo=UTC)
    hours = 23 if day == date(2024, 3, 10) else 24
    return [(begins + timedelta(hours=hour), 10 if hour == 20 else 1 + hour % 3) for hour in range(hours)]


def window_rows(day: date) -> list[dict[str, Any]]:
    return [
        {
            "event_date": at.date(), "window_start": at, "service": service, "category": category,
            "direction": "outbound", "plan": plan, "region": "metro", "src_bytes": load * 1000 * number_of,
            "dst_bytes": load * 9000 * number_of, "src_packets": load, "dst_packets": load, "flows_started": load,
            "flows_active": load,
        }
        for at, load in hours_of(day)
        for category, (service, _) in CATEGORIES.items()
        for plan, number_of in PLANS.items()
    ]  # fmt: skip


def load_rows(day: date) -> list[dict[str, Any]]:
    everybody = sum(PLANS.values()) * 10_000
    scopes = [("network", "all", 3 * everybody), *[("category", name, everybody) for name in CATEGORIES]]
    scopes += [("plan", plan, 3 * number * 10_000) for plan, number in PLANS.items()]
    scopes += [("region", "metro", 3 * everybody), ("tier", "High", everybody), ("tier", "Low", 2 * everybody)]
    return [
        {"local_date": day, "scope_kind": kind, "scope": scope, "sample_start": at, "sample_seconds": 3600,
         "bytes": load * size}
        for at, load in hours_of(day)
        for kind, scope, size in scopes
    ]  # fmt: skip


def customer_rows(day: date) -> list[dict[str, Any]]:
    return [
        {
            "local_date": day, "customer": customer, "customer_basis": "lease", "plan": plan, "region": "metro",
            "bytes_up": 1_000, "bytes_down": 9_000, "connections": 3, "active_hours": 5, "flow_seconds": 7200.0,
            "bytes_by_category": list(dict.fromkeys(CATEGORIES, 3_333).items()),
            "bytes_by_hour": [7_700 if elapsed == 20 else 100 for elapsed, _ in enumerate(hours_of(day))],
        }
        for customer, plan in customers()
    ] + [
        {
            "local_date": day, "customer": ADDRESS, "customer_basis": "address", "plan": "none", "region": "none",
            "bytes_up": 1, "bytes_down": 2, "connections": 1, "active_hours": 1, "bytes_by_category": [("web", 3)],
        }
    ]  # fmt: skip


def label_rows(day: date) -> list[dict[str, Any]]:
    said = [("ssl", "https", "web", "same", 70), ("quic", "xbox", "gaming", "differs", 20)]
    said.append(("none", "unassigned", "unassigned", "unobserved", 10))
    return [
        {"event_date": day, "observed_application": observed, "service": service, "category": category,
         "registry_version": "1", "agreement": agreement, "flows": 50, "bytes": volume * 1000}
        for observed, service, category, agreement, volume in said
    ]  # fmt: skip


def flow_rows(day: date) -> list[dict[str, Any]]:
    return [
        {
            "event_date": day, "flow_id": number, "start_time": datetime.combine(day, time(20), UTC),
            "src_ip": f"ip_{customer}", "dst_ip": "203.0.113.9" if (number, service) == (0, "xbox") else "198.51.100.7",
            "src_port": 50000, "dst_port": port, "protocol": 6, "src_bytes": 100, "dst_bytes": 900,
            "sampling_rate": 1, "is_src_own": True, "service": service, "dst_service": service, "category": category,
        }
        for number, (customer, _) in enumerate(customers())
        for category, (service, port) in CATEGORIES.items()
    ]  # fmt: skip


def type_rows(day: date) -> list[dict[str, Any]]:
    """What the job makes of ``flow_rows``."""
    number_of = sum(PLANS.values())
    ends: list[tuple[str, bool, int | None, str, str]] = [
        ("dst", True, port, service, category) for category, (service, port) in CATEGORIES.items()
    ]
    ends += [("src", False, None, "dynamic", category) for category in CATEGORIES]
    return [
        {"event_date": day, "flow_end": end, "is_server": is_server, "protocol": 6, "port": port, "service": service,
         "category": category, "customers": number_of, "flows": number_of, "bytes": number_of * 1000}
        for end, is_server, port, service, category in ends
    ]  # fmt: skip


def network_rows(day: date) -> list[dict[str, Any]]:
    """What the job makes of ``flow_rows``: one network is a single customer's."""
    flows = 3 * sum(PLANS.values())
    return [
        {"event_date": day, "network": "198.51.100.0/24", "customers": sum(PLANS.values()), "flows": flows - 1,
         "bytes": (flows - 1) * 1000},
        {"event_date": day, "network": "others", "flows": 1, "bytes": 1000},
    ]  # fmt: skip


def lease_rows() -> list[dict[str, Any]]:
    begins, ends = datetime(2023, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    return [
        {"address": f"ip_{customer}", "customer": customer, "plan": plan, "region": "metro", "valid_from": begins,
         "valid_to": ends}
        for customer, plan in customers()
    ]  # fmt: skip


def subscriber_rows() -> list[dict[str, Any]]:
    return [
        {"customer": customer, "plan": plan, "region": "metro", "signup_date": FIRST, "contract": "one-year",
         "payment": "credit-card", "marketing_consent": number % 2 == 0}
        for number, (customer, plan) in enumerate(customers())
    ]  # fmt: skip


def score_rows() -> list[dict[str, Any]]:
    return [
        {"as_of": AS_OF, "scheme": scheme, "customer": customer, "window_days": 30, "status": "scored",
         "recency_days": 1, "frequency": 28, "monetary_bytes": 280_000 + number, "connections": 1,
         "recency_score": None if scheme == "ufm" else 1 + number % 5, "frequency_score": 1 + number % 4,
         "monetary_score": 1 + number % 4, "connections_score": 2 if scheme == "ufm" else None, "score": 7,
         "level": ("Potential Sales", "Require Upgrade")[number % 2] if scheme == "ufm" else "loyal",
         "value_level": "High"}
        for scheme in ("rfm", "rfm_r", "ufm")
        for number, (customer, _) in enumerate(customers())
    ]  # fmt: skip


def segment_rows() -> list[dict[str, Any]]:
    return [
        {"as_of": AS_OF, "customer": customer, "segment": ("evening streaming", "office")[number % 2], "distance": 1.0,
         "segment_number": number % 2, "active_days": 28, "window_days": 28, "model": "telflow-segments",
         "model_version": "1"}
        for number, (customer, _) in enumerate(customers())
    ]  # fmt: skip


def churn_rows() -> list[dict[str, Any]]:
    reasons = [{"feature": "complaints", "contribution": 0.08, "reason": "2 complaints in 28 days"},
               {"feature": "tenure", "contribution": -0.02, "reason": "customer for 4 years"}]  # fmt: skip
    return [
        {"as_of": AS_OF, "customer": customer, "label_days": 14, "probability": (number + 1) / 100, "threshold": 0.3,
         "is_at_risk": number + 1 >= 30, "base_probability": 0.03, "reasons": reasons, "model": "telflow-churn",
         "model_version": "1"}
        for number, (customer, _) in enumerate(customers())
    ]  # fmt: skip


def trend_rows() -> list[dict[str, Any]]:
    weeks = [FIRST + timedelta(days=7 * number) for number in range(4)]
    rising = {"growth_per_week": 0.1, "confidence": 0.95, "direction": "rising"}
    return [
        {"as_of": AS_OF, "scope_kind": "customer", "scope": customer, "category": category, "weeks_counted": 4,
         "week_starts": weeks, "weekly_bytes": [10, 20, 30, 40], "median_bytes": 25.0, "recent_bytes": 25.0,
         **(rising if category != "gaming" else {"untold_reason": "too little volume"})}
        for customer, _ in customers()
        for category in ("all", *CATEGORIES)
    ]  # fmt: skip


def fit_rows() -> list[dict[str, Any]]:
    return [
        {"as_of": AS_OF, "customer": customer, "plan": plan, "weeks_counted": 4,
         **({"untold_reason": "too few weeks"} if customer == NEW else FITS[plan])}
        for customer, plan in customers()
    ]  # fmt: skip


def offer_rows() -> list[dict[str, Any]]:
    """A larger plan for all on basic, no change for the rest but one."""
    kinds = {"basic": ("plan up", "plus", 16.0, 0.75), "plus": ("no change", "no change", None, None)}
    return [
        {"as_of": AS_OF, "customer": customer, "rank": 1, "kind": kind, "service": service, "reason": f"because {kind}",
         "price_difference": price, "confidence": sure, "rule": "r", "rules_version": "1",
         "ufm_level": "Potential Sales", "is_at_risk": False, "complaints": 0,
         **({"churn_probability": 0.02, "churn_as_of": AS_OF} if plan == "basic" else {}),
         "may_approach": number % 2 == 0 and kind != "no change"}
        for number, (customer, plan) in enumerate(customers())
        for kind, service, price, sure in [kinds.get(plan, kinds["plus"])]
        if customer != NEW
    ]  # fmt: skip


def lake_settings(root: Path, *overrides: str) -> Settings:
    """Settings of a dashboard on the lake at ``root``."""
    store = f"mlflow.tracking_uri=sqlite:///{root / 'mlflow.db'}"
    return load_settings("local", [f"lake.root={root}", store, *overrides])


def counted_lake(root: Path, users: Mapping[date, Mapping[str, int]]) -> Path:
    """Days with so many customers of each category, each of them of the lowest numbers, and their traffic."""
    for day, most in users.items():
        write(root, tables.CUSTOMER_DAILY, [
            {"local_date": day, "customer": f"sub_{number:02}", "customer_basis": "lease", "plan": "basic",
             "region": "metro", "bytes_by_category": [(name, 9) for name in most if number < most[name]]}
            for number in range(max(most.values()))
        ])  # fmt: skip
        write_traffic(root, day, *most)
    return root


def write_traffic(root: Path, day: date, *categories: str) -> None:
    """Some bytes of ``categories`` in the evening of a ``day``."""
    write(root, tables.TRAFFIC_BY_WINDOW, [
        {"event_date": day, "window_start": datetime.combine(day, time(20), UTC), "service": category,
         "category": category, "plan": "basic", "region": "metro", "dst_bytes": 9, "flows_started": 1}
        for category in categories
    ])  # fmt: skip
