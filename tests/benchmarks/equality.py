"""Both sides' results, key by key: whatever differs is shown, and fails the benchmark."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from telflow.errors import BrokenIdentityError

DIFFERENCES_SHOWN = 10
FLOWS = """
    SELECT event_date, start_time, end_time, exporter, src_ip, dst_ip, src_port, dst_port, protocol,
        src_bytes, src_packets, dst_bytes, dst_packets, is_bidirectional, tcp_flags, icmp_type, icmp_code,
        src_mac, dst_mac, is_src_own, is_dst_own, initiator, src_service, dst_service, service, service_basis,
        port_class, category, registry_version
    FROM {flows}"""
WINDOWS = """
    SELECT window_start, service, category, direction, plan, region,
        src_bytes, dst_bytes, src_packets, dst_packets, flows_started, flows_active
    FROM {traffic_by_window}"""
RECLASSIFICATION = """
    SELECT event_date, observed_application, service, category, registry_version, agreement, flows, bytes
    FROM {reclassification}"""
CUSTOMER_DAILY = """
    SELECT local_date, customer, customer_basis, plan, region, bytes_up, bytes_down, packets_up, packets_down,
        connections, distinct_start_times, active_hours, flow_seconds, input_macs, bytes_by_hour,
        list_sort(map_entries(bytes_by_category)) AS bytes_by_category
    FROM {customer_daily}"""
SCORES = """
    SELECT as_of, scheme, customer, status, recency_days, frequency, monetary_bytes, connections,
        recency_score, frequency_score, monetary_score, connections_score, score, level, value_level
    FROM {customer_scores} WHERE scheme IN ('ufm', 'rfm_r')"""  # the cuts of rfm are approximate by design
QUERIES = {
    "flows": FLOWS,
    "traffic_by_window": WINDOWS,
    "reclassification": RECLASSIFICATION,
    "customer_daily": CUSTOMER_DAILY,
    "customer_scores": SCORES,
}


def check_equal(
    connection: duckdb.DuckDBPyConnection, ours: Mapping[str, Sequence[str]], theirs: Path
) -> dict[str, int]:
    """Rows compared, by table.

    Args:
        connection: any; the comparison is made in it.
        ours: Parquet files of each of our tables.
        theirs: folder that DuckDB wrote.

    Raises:
        BrokenIdentityError: the first rows that differ.
    """
    tables = {name: f"read_parquet({list(files)}, hive_partitioning = true)" for name, files in ours.items()}
    files = {name: f"read_parquet('{theirs / f'{name}.parquet'}')" for name in ours}
    files["flows"] = f"read_parquet('{theirs / 'flows'}/**/*.parquet', hive_partitioning = true)"
    return {
        name: compare(
            connection,
            name,
            QUERIES[name].format(**tables),
            QUERIES[name].format(**files),
        )
        for name in QUERIES
    }


def compare(connection: duckdb.DuckDBPyConnection, name: str, ours: str, theirs: str) -> int:
    """Rows that both queries give alike; the columns stand in one order."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE our_rows AS {ours}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE their_rows AS {theirs}")
    differing = connection.execute(
        f"""
        SELECT 'ours' AS side, * FROM (FROM our_rows EXCEPT ALL FROM their_rows)
        UNION ALL
        SELECT 'duckdb', * FROM (FROM their_rows EXCEPT ALL FROM our_rows)
        ORDER BY ALL LIMIT {DIFFERENCES_SHOWN}
        """
    )
    columns = [column[0] for column in differing.description or []]
    rows = differing.fetchall()
    (count,) = connection.execute("SELECT count(*) FROM our_rows").fetchone() or (0,)
    if rows or not count:
        shown = "\n".join(", ".join(f"{key}={value}" for key, value in zip(columns, row, strict=True)) for row in rows)
        raise BrokenIdentityError(
            f"{name}: our {count} rows and DuckDB's are not the same; first differing rows:\n{shown}"
        )
    return int(count)
