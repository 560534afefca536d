"""Whose traffic is it: from an own-side address and a moment to the subscriber who held the address then."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

NOBODY = "none"
FOREVER = "9999-12-31 00:00:00"


def lease_spans(leases: DataFrame, subscribers: DataFrame) -> DataFrame:
    """Who held an address from when to when, without overlaps.

    Where leases of one address overlap (a stale end, an end not yet delivered), the one that began last holds it;
    where that one ends first, the earlier holds it again. Equal beginnings go to the token that sorts last, so that
    every run decides alike.

    Args:
        leases: rows of LEASES.
        subscribers: rows of SUBSCRIBERS; a lease of somebody unknown keeps its customer, with plan and region ``none``.

    Returns:
        Rows of LEASE_SPANS: ``address``, ``customer``, ``plan``, ``region``, ``valid_from``, ``valid_to`` (never null).
    """
    closed = leases.withColumn("valid_to", F.coalesce("valid_to", F.lit(FOREVER).cast("timestamp")))
    edges = closed.select("address", F.explode(F.array("valid_from", "valid_to")).alias("span_from")).distinct()
    to_next_edge = F.lead("span_from").over(Window.partitionBy("address").orderBy("span_from"))
    spans = edges.withColumn("span_to", to_next_edge).where(F.col("span_to").isNotNull()).alias("span")

    covers = (
        (F.col("span.address") == F.col("lease.address"))
        & (F.col("lease.valid_from") <= F.col("span_from"))
        & (F.col("lease.valid_to") >= F.col("span_to"))
    )
    newest = F.max_by("customer", F.struct("valid_from", "customer"))
    held = (
        spans.join(closed.alias("lease"), on=covers, how="inner")
        .groupBy("span.address", "span_from", "span_to")
        .agg(newest.alias("customer"))
    )
    return held.join(subscribers.select("customer", "plan", "region"), on="customer", how="left").select(
        "address",
        "customer",
        F.coalesce("plan", F.lit(NOBODY)).alias("plan"),
        F.coalesce("region", F.lit(NOBODY)).alias("region"),
        F.col("span_from").alias("valid_from"),
        F.col("span_to").alias("valid_to"),
    )


def with_customer(rows: DataFrame, spans: DataFrame | None, basis: str = "address") -> DataFrame:
    """Adds ``customer``, ``customer_basis``, ``plan`` and ``region``.

    Args:
        rows: ``address`` (token; null where no end is the provider's own) and ``start_time`` (timestamp, UTC).
        spans: rows of LEASE_SPANS; None where customers are addresses.
        basis: what to call a customer that is an address: ``address``, or ``source`` as the original study had it.

    Returns:
        As many rows as there were. An own address that nobody held at the time is its own customer; ``customer`` is
        null where ``address`` is. ``plan`` and ``region`` are ``none`` where unknown.
    """
    if spans is None:
        held = rows.withColumns({name: F.lit(None).cast("string") for name in ("holder", "held_plan", "held_region")})
    else:
        lookup = spans.select(
            F.col("address").alias("held_address"),
            F.col("customer").alias("holder"),
            F.col("plan").alias("held_plan"),
            F.col("region").alias("held_region"),
            "valid_from",
            "valid_to",
        )
        is_held = (
            (F.col("address") == F.col("held_address"))
            & (F.col("start_time") >= F.col("valid_from"))
            & (F.col("start_time") < F.col("valid_to"))
        )
        held = rows.join(lookup, on=is_held, how="left").drop("held_address", "valid_from", "valid_to")
    return held.withColumns(
        {
            "customer": F.coalesce("holder", "address"),
            "customer_basis": F.when(F.col("holder").isNotNull(), F.lit("lease")).otherwise(F.lit(basis)),
            "plan": F.coalesce("held_plan", F.lit(NOBODY)),
            "region": F.coalesce("held_region", F.lit(NOBODY)),
        }
    ).drop("holder", "held_plan", "held_region")


def customer_address() -> Column:
    """The own end that a flow is counted for where it counts once: the source's, else the destination's."""
    return F.when(F.col("is_src_own"), F.col("src_ip")).when(F.col("is_dst_own"), F.col("dst_ip"))


def direction() -> Column:
    """Direction of a flow as the provider sees it: outbound, inbound, internal or transit."""
    return (
        F.when(F.col("is_src_own") & F.col("is_dst_own"), F.lit("internal"))
        .when(F.col("is_src_own"), F.lit("outbound"))
        .when(F.col("is_dst_own"), F.lit("inbound"))
        .otherwise(F.lit("transit"))
    )


def customer_sides(flows: DataFrame) -> DataFrame:
    """One row per flow and own end, seen from that end; flows without an own end have none.

    Returns:
        ``address``, ``start_time``, ``end_time``, ``category``, ``peer`` (the other end), ``input_mac``, and
        ``bytes_up``, ``bytes_down``, ``packets_up``, ``packets_down`` from the customer's side.
    """

    def side(own: str, other: str) -> Column:
        return F.struct(
            F.col(f"is_{own}_own").alias("is_own"),
            F.col(f"{own}_ip").alias("address"),
            F.col(f"{other}_ip").alias("peer"),
            F.col(f"{own}_mac").alias("input_mac"),
            F.col(f"{own}_bytes").alias("bytes_up"),
            F.col(f"{other}_bytes").alias("bytes_down"),
            F.col(f"{own}_packets").alias("packets_up"),
            F.col(f"{other}_packets").alias("packets_down"),
        )

    both = F.explode(F.array(side("src", "dst"), side("dst", "src"))).alias("side")
    return (
        flows.select("start_time", "end_time", "category", both)
        .where("side.is_own")
        .select("start_time", "end_time", "category", "side.*")
    )
