"""Traffic by window: each row has its own sums and the sketch of its own customers."""

from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.peaks.traffic import traffic_by_window
from tests.flow_rows import flow, flows_frame

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=7)


def test_each_row_has_the_sketch_of_its_own_customers_and_they_merge(spark: SparkSession) -> None:
    flows = [
        flow(NOON, 30, src_ip="ip_1", src_bytes=100),
        flow(NOON, 30, src_ip="ip_2", src_bytes=20),
        flow(NOON, 30, src_ip="ip_2", src_bytes=7, category="dns"),
        flow(NOON, 30, src_ip="198.51.100.1", src_bytes=3, is_src_own=False),
        flow(LATER, 30, src_ip="ip_1", src_bytes=1),
    ]
    rows = traffic_by_window(flows_frame(spark, flows), None, 300, "time-proportional").cache()
    counted = rows.withColumn("customers", F.hll_sketch_estimate("customers_sketch"))
    found = {
        (row.window_start.minute, row.category, row.direction): (row.src_bytes, row.flows_started, row.customers)
        for row in counted.collect()
    }
    assert found == {
        (0, "web", "outbound"): (120, 2, 2),
        (0, "dns", "outbound"): (7, 1, 1),
        (0, "web", "transit"): (3, 1, 0),
        (5, "web", "outbound"): (1, 1, 1),
    }
    merged = rows.agg(F.hll_sketch_estimate(F.hll_union_agg("customers_sketch")).alias("customers"))
    assert merged.collect()[0].customers == 2
    rows.unpersist()
