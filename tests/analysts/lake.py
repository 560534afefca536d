"""A small lake that answers of all saved questions can be told of by hand: synthetic, every number chosen."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow import tables
from telflow.lake import Lake
from tests.dashboard.lakes import write

ZONE = "America/Vancouver"
DAY, NEXT = date(2024, 3, 9), date(2024, 3, 10)  # on the second the clocks of Vancouver go forward: 23 hours
AS_OF = date(2024, 3, 11)
MIDNIGHT = datetime(2024, 3, 9, 8, tzinfo=UTC)  # of DAY in Vancouver
GB = 10**9
Seen = tuple[datetime, str, str, str, int]  # start of the window, service, category, customer, bytes


def write_lake(spark: SparkSession, root: Path) -> Lake:
    """Two local days, two plans of which one has two customers, and what was told of the customers.

    In windows 3 customers used the web on DAY, 2 of them again in the next five minutes, and one played an hour later.
    """
    rows = [
        (tables.SCOPE_LOAD, load_rows()),
        (tables.PEAK_TIMES, peak_rows()),
        (tables.HOUR_BY_WEEKDAY, hour_rows()),
        (tables.RECLASSIFICATION, label_rows()),
        (tables.CUSTOMER_DAILY, customer_rows()),
        (tables.INGEST_LOG, file_rows()),
        (tables.FLOWS, [{"event_date": DAY, "src_ip": "198.51.100.7"}]),
        (tables.LAKE_FACTS, [{"fact": "records", "value": "synthetic"}]),
        *told_of_customers(),
    ]
    for table, given in rows:
        write(root, table, given)
    lake = Lake(spark, str(root))
    seen: list[Seen] = [(MIDNIGHT, "https", "web", customer, 2 * GB) for customer in ("sub_a", "sub_b", "sub_c")]
    seen += [(MIDNIGHT + timedelta(minutes=5), "https", "web", customer, GB) for customer in ("sub_a", "sub_b")]
    seen += [(MIDNIGHT + timedelta(hours=1), "xbox", "gaming", "sub_a", 2 * GB)]
    write_windows(lake, seen)
    return lake


def write_windows(lake: Lake, seen: list[Seen]) -> None:
    """Windows with sketches, of who was seen in which; a quarter of the bytes are answers, a packet has 1,000 bytes."""
    flows = lake.spark.createDataFrame(
        seen, "window_start timestamp, service string, category string, customer string, bytes bigint"
    )
    windows = flows.groupBy("window_start", "service", "category").agg(
        (F.sum("bytes") - F.expr("SUM(bytes) DIV 4")).alias("src_bytes"),
        F.expr("SUM(bytes) DIV 4").alias("dst_bytes"),
        F.expr("SUM(bytes) DIV 1000").alias("src_packets"),
        F.expr("SUM(bytes) DIV 4000").alias("dst_packets"),
        F.count(F.lit(1)).alias("flows_started"),
        F.hll_sketch_agg("customer").alias("customers_sketch"),
    )
    words = {"direction": F.lit("outbound"), "plan": F.lit("basic"), "region": F.lit("metro")}
    days = {"event_date": F.to_date("window_start"), "flows_active": F.col("flows_started")}
    lake.append(tables.TRAFFIC_BY_WINDOW, windows.withColumns({**words, **days}))


def load_rows() -> list[dict[str, Any]]:
    """10 GB on the last day of February, then 9 and 11 GB."""
    volumes = {date(2024, 2, 29): 8, DAY: 9, NEXT: 11}
    return [
        {"local_date": day, "scope_kind": kind, "scope": scope, "sample_start": MIDNIGHT, "sample_seconds": 300,
         "bytes": volume * GB}
        for day, volume in volumes.items()
        for kind, scope in (("network", "all"), ("category", "web"))
    ]  # fmt: skip


def peak_rows() -> list[dict[str, Any]]:
    scopes = [("network", "all", 4), ("category", "web", 3), ("region", "metro", 2)]
    periods = [("day", DAY), ("day", NEXT), ("month", date(2024, 2, 1)), ("month", date(2024, 3, 1))]
    return [
        {"period_start": first, "period_kind": period, "scope_kind": kind, "scope": scope, "sample_seconds": 300,
         "days": 2, "total_bytes": 4 * size * GB, "busy_hour_start": MIDNIGHT + timedelta(hours=20),
         "busy_hour_bytes": size * GB, "adph_bytes": 1.0 * size * GB, "tcbh_start_minute": 20 * 60 + 30,
         "tcbh_bytes": size * GB / 2, "p95_bits_per_second": size * 3e6, "mean_bits_per_second": size * 1e6}
        for period, first in periods
        for kind, scope, size in scopes
    ]  # fmt: skip


def hour_rows() -> list[dict[str, Any]]:
    """In March each hour of the week a little busier than the one before; of April a Monday alone."""
    monday = {
        "scope_kind": "network",
        "scope": "all",
        "weekday": 1,
        "hour": 5,
        "days": 1,
        "bytes": 1,
        "mean_bytes": 1.0,
    }
    return [{"month": date(2024, 4, 1), **monday}] + [
        {"month": date(2024, 3, 1), "scope_kind": "network", "scope": "all", "weekday": weekday, "hour": hour,
         "days": 4, "bytes": 4 * (24 * weekday + hour) * GB, "mean_bytes": 1.0 * (24 * weekday + hour) * GB}
        for weekday in range(1, 8)
        for hour in range(24)
    ]  # fmt: skip


def label_rows() -> list[dict[str, Any]]:
    """8 GB are labelled: 6 GB the same, 2 GB differently."""
    said = [("ssl", "https", "same", 6), ("quic", "xbox", "differs", 2), ("none", "https", "unobserved", 5)]
    return [
        {"event_date": DAY, "observed_application": observed, "service": service, "category": "web",
         "registry_version": "1", "agreement": agreement, "flows": 1, "bytes": volume * GB}
        for observed, service, agreement, volume in said
    ]  # fmt: skip


def customer_rows() -> list[dict[str, Any]]:
    """On both days a and b use 1 and 3 GB, c 6 GB; on DAY an address without a lease uses little."""
    volumes = {"sub_a": (1, "basic"), "sub_b": (3, "basic"), "sub_c": (6, "plus")}
    hours = {DAY: 24, NEXT: 23}
    rows = [
        {"local_date": day, "customer": customer, "customer_basis": "lease", "plan": plan, "region": "metro",
         "bytes_up": volume * GB // 4, "bytes_down": volume * GB * 3 // 4, "connections": 4, "active_hours": 1,
         "flow_seconds": 60.0, "input_macs": ["mac_1", "mac_2"], "bytes_by_category": [("web", volume * GB)],
         "bytes_by_hour": [*[0] * (hours[day] - 1), volume * GB]}
        for day in (DAY, NEXT)
        for customer, (volume, plan) in volumes.items()
    ]  # fmt: skip
    stranger = {"local_date": DAY, "customer": "ip_x", "customer_basis": "address", "plan": "none", "region": "none"}
    little = {"bytes_up": 4, "bytes_by_category": [("web", 4)], "bytes_by_hour": [4, *[0] * 23], "active_hours": 3}
    return [*rows, {**stranger, **little}]


def file_rows() -> list[dict[str, Any]]:
    """Of the first run two files are still not whole, one is by now, and one has few rejected lines."""
    first = [("old.csv", "cut", 10, 1), ("locked.csv", "unreadable", 0, 0), ("late.csv", "cut", 10, 1)]
    first.append(("few.csv", "kept", 10, 1))
    second = [("whole.csv", "kept", 10, 0), ("some.csv", "kept", 10, 4), ("none.csv", "empty", 0, 0)]
    second += [("again.csv", "duplicate", 10, 0), ("late.csv", "kept", 20, 0)]
    files = [(run, *file) for run, of_run in ((1, first), (2, second)) for file in of_run]
    return [
        {"ingest_run": run, "path": path, "status": status, "lines_read": read, "lines_kept": read - bad,
         "lines_quarantined": bad, "touched_days": [DAY]}
        for run, path, status, read, bad in files
    ]  # fmt: skip


def told_of_customers() -> list[tuple[tables.Table, list[dict[str, Any]]]]:
    """What jobs on customers write: a and b on basic, c on plus; a at risk and outgrown, b gone."""
    plans = {"sub_a": "basic", "sub_b": "basic", "sub_c": "plus"}
    risks = {"sub_a": 0.6, "sub_b": 0.1, "sub_c": 0.2}
    reasons = [{"feature": "complaints", "contribution": 0.4, "reason": "2 complaints"}]
    weeks = [DAY - timedelta(days=7), DAY]
    fits: dict[str, dict[str, Any]] = {
        "sub_a": {"advice": "up", "suggested_plan": "plus", "price_difference": 10.0, "confidence": 0.9,
                  "upsize_causes": ["volume", "rate-down"]},
        "sub_b": {"advice": "stay", "suggested_plan": "basic", "price_difference": 0.0},
        "sub_c": {"untold_reason": "too few weeks"},
    }  # fmt: skip
    return [
        (tables.SUBSCRIBERS, [
            {"customer": customer, "plan": plan, "region": "metro", "signup_date": DAY, "marketing_consent": True}
            for customer, plan in plans.items()
        ]),
        (tables.PLANS, [{"plan": "basic", "monthly_price": 20.0}, {"plan": "plus", "monthly_price": 30.0}]),
        (tables.CUSTOMER_SCORES, [
            {"as_of": AS_OF, "scheme": scheme, "customer": customer, "status": "scored", "monetary_bytes": GB,
             "score": 7, "level": "Potential Sales" if scheme == "ufm" else "Champions", "value_level": "High",
             "cuts": [("monetary", [1.0, 2.0])]}
            for scheme in ("rfm", "ufm")
            for customer in plans
        ]),
        (tables.CUSTOMER_SEGMENTS, [
            {"as_of": AS_OF, "customer": customer, "segment": "office" if plan == "plus" else "evening",
             "window_days": 28, "model": "m", "model_version": "1"}
            for customer, plan in plans.items()
        ]),
        (tables.SEGMENT_MIGRATIONS, [
            {"from_as_of": DAY, "to_as_of": AS_OF, "from_segment": "office", "to_segment": "evening", "customers": 1,
             "share_of_from": 0.5}
        ]),
        (tables.CHURN_SCORES, [
            {"as_of": AS_OF, "customer": customer, "label_days": 14, "probability": risk, "threshold": 0.5,
             "is_at_risk": risk >= 0.5, "reasons": reasons, "model": "m", "model_version": "1"}
            for customer, risk in risks.items()
        ]),
        (tables.CHURN_EVENTS, [
            {"customer": "sub_b", "churn_date": NEXT, "reason": "price"},
            {"customer": "sub_d", "churn_date": NEXT, "reason": None},
        ]),
        (tables.COMPLAINTS, [
            {"customer": "sub_b", "complaint_date": NEXT - timedelta(days=27), "topic": "outage"},
            {"customer": "sub_b", "complaint_date": NEXT, "topic": "outage"},
            {"customer": "sub_d", "complaint_date": NEXT - timedelta(days=28), "topic": "price"},
        ]),
        (tables.MICRO_TRENDS, [
            {"as_of": AS_OF, "scope_kind": "customer", "scope": customer, "category": "web", "weeks_counted": 2,
             "week_starts": weeks, "weekly_bytes": [GB, 2 * GB], "direction": direction}
            for customer, direction in (("sub_a", "rising"), ("sub_b", "flat"), ("sub_c", None))
        ]),
        (tables.PLAN_FIT, [
            {"as_of": AS_OF, "customer": customer, "plan": plan, **fits[customer]} for customer, plan in plans.items()
        ]),
        (tables.CATEGORY_ASSOCIATIONS, [
            {"as_of": AS_OF, "antecedent": ["web"], "consequent": "gaming", "lift": 1.0}
        ]),
        (tables.RECOMMENDATIONS, [
            {"as_of": AS_OF, "customer": "sub_a", "rank": 1, "kind": "plan up", "service": "plus", "reason": "r",
             "evidence": [], "confidence": 0.9, "rule": "r", "rules_version": "1", "may_approach": True},
            {"as_of": AS_OF, "customer": "sub_b", "rank": 1, "kind": "no change", "service": "no change",
             "reason": "r", "rule": "r", "rules_version": "1"},
        ]),
    ]  # fmt: skip
