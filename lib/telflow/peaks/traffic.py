"""Traffic by window: what went over the network in each five minutes, by service, category, direction, plan, region."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.customers.attribution import customer_address, direction, with_customer
from telflow.peaks.windows import apportion, with_windows
from telflow.settings import LoadScheme

KEYS: Final = ("service", "category", "direction", "plan", "region")
VOLUMES: Final = ("src_bytes", "dst_bytes", "src_packets", "dst_packets")
SKETCH_LOG2_BUCKETS: Final = 12  # standard error 1.6 %; 4 KB at most, 40 bytes for the few customers of most rows


def traffic_by_window(
    flows: DataFrame, spans: DataFrame | None, window_seconds: int, scheme: LoadScheme, basis: str = "address"
) -> DataFrame:
    """Rows of TRAFFIC_BY_WINDOW from every flow that lasted into its days.

    Args:
        flows: labelled flows (FLOWS).
        spans: rows of LEASE_SPANS; None where customers are addresses.
        window_seconds: length of a window.
        scheme: how a flow's volume lies over its windows.
        basis: what to call a customer that is an address.
    """
    held = flows.withColumns({"address": customer_address(), "direction": direction()}).transform(
        with_customer, spans, basis
    )
    sums = held.transform(apportion, window_seconds, KEYS, VOLUMES, scheme=scheme)
    return (
        sums.withColumn("row_hash", row_hash())
        .join(customers_by_row(held, window_seconds), on="row_hash", how="left")
        .drop("row_hash")
        .withColumn("event_date", F.to_date("window_start"))
    )


def customers_by_row(held: DataFrame, window_seconds: int) -> DataFrame:
    """Sketch of the customers of each row: ``row_hash``, ``customers_sketch``.

    It has a pass of its own: sketches are made of sorted rows, and rows of one number are soon sorted, those of text
    and volumes are not; the sums need no sorting. Rows of one hash share a sketch, should there ever be two.
    """
    window_start = F.timestamp_seconds(F.col("window_index") * window_seconds)
    windows = held.transform(with_windows, window_seconds).withColumn("window_start", window_start)
    by_row = windows.select(row_hash().alias("row_hash"), "customer").groupBy("row_hash")
    return by_row.agg(F.hll_sketch_agg("customer", SKETCH_LOG2_BUCKETS).alias("customers_sketch"))


def row_hash() -> Column:
    """What a row is known by: its window and its keys."""
    return F.xxhash64("window_start", *KEYS)
