"""What the pages read: the lake's tables, cut to the columns shown, and rolled up where a table is large.

A relation is one SELECT over ``source``, a declared table. The reader of Delta keeps its rows in memory, one copy a
table version; a warehouse runs it as a common table expression. A page names relations, never tables.
"""

from dataclasses import dataclass

from telflow import tables
from telflow.classify.registries import FIRST_DYNAMIC_PORT
from telflow.tables import Table

WRITERS = {  # where the job alone is not enough
    "customer_segments": "jobs/train_segments.py, then jobs/assign_segments.py",
    "segment_migrations": "jobs/assign_segments.py, for two dates",
    "churn_scores": "jobs/train_churn.py, then jobs/score_churn.py",
}
HOURS = tuple(f"hour_{elapsed}" for elapsed in range(25))  # of the longest day, by hours since local midnight


@dataclass(frozen=True)
class Dialect:
    """How one engine says what SQL leaves open; every word takes what it works on as ``{0}``.

    Attributes:
        local: the local time of a timestamp; ``{1}`` is the zone.
        map_entries: FROM clause that adds ``entry_key`` and ``entry_value`` of a map to each row.
        item: an item of an array, null beyond its end; ``{1}`` is its place, from 0.
    """

    local: str
    map_entries: str
    item: str


DUCKDB = Dialect(
    local="timezone('{1}', {0})",
    map_entries=", UNNEST(map_entries({0})) AS entries(entry)",
    item="list_extract({0}, {1} + 1)",
)
DATABRICKS = Dialect(
    local="from_utc_timestamp({0}, '{1}')",
    map_entries=" LATERAL VIEW explode({0}) entries AS entry_key, entry_value",
    item="get({0}, {1})",
)


@dataclass(frozen=True)
class Relation:
    """Rows that pages read.

    Attributes:
        name: what queries call it.
        table: declared table it is made of.
        select: columns; ``{local}`` stands for the local time of ``at``.
        at: timestamp that local times are of.
        entries: column with a map, of which each entry is a row, as ``{key}`` and ``{value}``.
        hours: column with an array by hour of the day, of which each item is a column of ``HOURS``, as ``{hours}``.
        ending: what follows FROM: conditions and grouping.
        is_lazy: nothing of it is kept in memory: each query reads the files that its conditions leave.
    """

    name: str
    table: Table
    select: str
    at: str = ""
    entries: str = ""
    hours: str = ""
    ending: str = ""
    is_lazy: bool = False

    def sql(self, dialect: Dialect, source: str, zone: str) -> str:
        """The SELECT in ``dialect`` over the table or view ``source``, with local times of ``zone``."""
        is_duck = dialect is DUCKDB
        key, value = ("entry.key", "entry.value") if is_duck else ("entry_key", "entry_value")
        hours = ", ".join(f"{dialect.item.format(self.hours, place)} AS {name}" for place, name in enumerate(HOURS))
        words = {"local": dialect.local.format(self.at, zone), "key": key, "value": value, "hours": hours}
        unfolded = dialect.map_entries.format(self.entries) if self.entries else ""
        return f"SELECT {self.select.format(**words)} FROM {source}{unfolded} {self.ending}"

    @property
    def writer(self) -> str:
        """The job that writes its table."""
        script = tables.PIPELINE if self.table.is_daily else self.table.writer
        return WRITERS.get(self.table.name, f"jobs/{script}")


TRAFFIC_BY_HOUR = Relation(
    "traffic_by_hour",
    tables.TRAFFIC_BY_WINDOW,
    """date_trunc('hour', window_start) AS hour_start, event_date AS utc_date, CAST({local} AS DATE) AS local_date,
    category, plan, region, CAST(SUM(src_bytes + dst_bytes) AS BIGINT) AS bytes,
    CAST(SUM(src_packets + dst_packets) AS BIGINT) AS packets, CAST(SUM(flows_started) AS BIGINT) AS flows""",
    at="window_start",
    ending="GROUP BY ALL",
)
TRAFFIC_BY_DAY = Relation(
    "traffic_by_day",
    tables.TRAFFIC_BY_WINDOW,
    """event_date AS utc_date, CAST({local} AS DATE) AS local_date, service, category, plan, region,
    CAST(SUM(src_bytes + dst_bytes) AS BIGINT) AS bytes, CAST(SUM(flows_started) AS BIGINT) AS flows""",
    at="window_start",
    ending="GROUP BY ALL",
)
SCOPE_LOAD = Relation(
    "scope_load",
    tables.SCOPE_LOAD,
    "local_date, CAST(sample_start AS DATE) AS utc_date, scope_kind, scope, sample_start, sample_seconds, bytes",
)
CUSTOMERS_BY_DAY = Relation(
    "customers_by_day",
    tables.CUSTOMER_DAILY,
    """local_date, customer, customer_basis, plan, region, bytes_up, bytes_down, packets_up, packets_down,
    connections, active_hours, flow_seconds""",
)
CUSTOMER_CATEGORIES = Relation(
    "customer_categories",
    tables.CUSTOMER_DAILY,
    "local_date, customer, customer_basis, plan, region, {key} AS category, {value} AS bytes",
    entries="bytes_by_category",
)
CUSTOMER_HOURS = Relation(
    "customer_hours",
    tables.CUSTOMER_DAILY,
    "local_date, customer, plan, region, {hours}",
    hours="bytes_by_hour",
)
SEGMENTS = Relation("customer_segments", tables.CUSTOMER_SEGMENTS, "as_of, customer, segment, model, model_version")
MIGRATIONS = Relation(
    "segment_migrations",
    tables.SEGMENT_MIGRATIONS,
    "from_as_of, to_as_of, from_segment, to_segment, customers",
)
CUSTOMER_DEVICES = Relation("customer_devices", tables.CUSTOMER_DAILY, "local_date, customer, input_macs")
COMPLAINTS = Relation("complaints", tables.COMPLAINTS, "customer, complaint_date")
RECLASSIFICATION = Relation(
    "reclassification",
    tables.RECLASSIFICATION,
    "event_date AS utc_date, observed_application, service, category, agreement, flows, bytes",
)
FACTS = Relation("lake_facts", tables.LAKE_FACTS, "fact, value, stated_at")
TRUTH = Relation("truth_customers", tables.TRUTH_CUSTOMERS, "COUNT(*) AS customers")
PROTOCOLS = Relation("iana_protocols", tables.IANA_PROTOCOLS, "registry_version, protocol, keyword")
TRAFFIC_TYPES = Relation(
    "traffic_types",
    tables.TRAFFIC_TYPES,
    "event_date AS utc_date, flow_end, is_server, protocol, port, service, category, customers, flows, bytes",
)
REMOTE_NETWORKS = Relation(
    "remote_networks",
    tables.REMOTE_NETWORKS,
    "event_date AS utc_date, network, customers",
    ending="WHERE customers IS NOT NULL",
)
SCORES = Relation(
    "customer_scores",
    tables.CUSTOMER_SCORES,
    """as_of, scheme, customer, window_days, status, recency_days, frequency, monetary_bytes, connections,
    recency_score, frequency_score, monetary_score, connections_score, score, level, value_level""",
)
CHURN_SCORES = Relation(
    "churn_scores",
    tables.CHURN_SCORES,
    """as_of, customer, label_days, probability, threshold, is_at_risk, base_probability, reasons, model,
    model_version""",
)
TRENDS = Relation(
    "micro_trends",
    tables.MICRO_TRENDS,
    """as_of, scope_kind, scope, category, peers, weeks_counted, week_starts, weekly_bytes, growth_per_week,
    confidence, direction, recent_share, share_shift, peers_share_shift, change_week, change_ratio, untold_reason""",
)
PLAN_FIT = Relation(
    "plan_fit",
    tables.PLAN_FIT,
    """as_of, customer, plan, weeks_counted, utilisation, upsize_causes, advice, confidence, suggested_plan,
    price_difference, untold_reason""",
)
RECOMMENDATIONS = Relation(
    "recommendations",
    tables.RECOMMENDATIONS,
    """as_of, customer, rank, kind, service, reason, price_difference, confidence, rule, association,
    association_lift, ufm_level, churn_probability, churn_as_of, is_at_risk, complaints, is_suppressed, may_approach,
    peers""",
)
SUBSCRIBERS = Relation(
    "subscribers",
    tables.SUBSCRIBERS,
    "customer, plan, region, signup_date, contract, payment, marketing_consent",
)
LEASE_SPANS = Relation("lease_spans", tables.LEASE_SPANS, "address, customer, valid_from, valid_to", is_lazy=True)
FLOW_ENDS = Relation(
    "flow_ends",
    tables.FLOWS,
    f"""event_date AS utc_date, start_time, src_ip, dst_ip, is_src_own, is_dst_own, protocol, service, category,
    CASE WHEN dst_service = service THEN dst_port WHEN src_service = service THEN src_port
         WHEN LEAST(src_port, dst_port) < {FIRST_DYNAMIC_PORT} THEN LEAST(src_port, dst_port) END AS port,
    src_bytes + dst_bytes AS bytes""",
    is_lazy=True,
)
RELATIONS = {
    relation.name: relation
    for relation in (
        TRAFFIC_BY_HOUR,
        TRAFFIC_BY_DAY,
        SCOPE_LOAD,
        CUSTOMERS_BY_DAY,
        CUSTOMER_CATEGORIES,
        CUSTOMER_HOURS,
        SEGMENTS,
        MIGRATIONS,
        CUSTOMER_DEVICES,
        COMPLAINTS,
        RECLASSIFICATION,
        FACTS,
        TRUTH,
        PROTOCOLS,
        TRAFFIC_TYPES,
        REMOTE_NETWORKS,
        SCORES,
        CHURN_SCORES,
        TRENDS,
        PLAN_FIT,
        RECOMMENDATIONS,
        SUBSCRIBERS,
        LEASE_SPANS,
        FLOW_ENDS,
    )
}
