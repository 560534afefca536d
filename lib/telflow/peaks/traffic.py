"""Traffic by window: what went over the network in each five minutes, by service, category, direction, plan, region."""

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.customers.attribution import customer_address, direction, with_customer
from telflow.peaks.windows import apportion
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
    customers_sketch = F.hll_sketch_agg("customer", SKETCH_LOG2_BUCKETS).alias("customers_sketch")
    return (
        flows.withColumns({"address": customer_address(), "direction": direction()})
        .transform(with_customer, spans, basis)
        .transform(apportion, window_seconds, KEYS, VOLUMES, scheme=scheme, extra_aggregates=[customers_sketch])
        .withColumn("event_date", F.to_date("window_start"))
    )
