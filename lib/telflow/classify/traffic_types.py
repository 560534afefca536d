"""What the traffic of each day is, port by port at both ends, and which networks outside it goes to."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.classify.labels import DYNAMIC, UNASSIGNED, is_dst_server
from telflow.classify.registries import FIRST_DYNAMIC_PORT
from telflow.customers.attribution import customer_address, with_customer
from telflow.prefixes import prefix_of
from telflow.tables import REMOTE_NETWORKS, TRAFFIC_TYPES

TYPE_KEYS: Final = ("event_date", "flow_end", "is_server", "protocol", "port", "service", "category")
NETWORK_KEYS: Final = ("event_date", "network")
OTHERS: Final = "others"
LEAST_SHARED: Final = 2  # customers from which a network is named


def traffic_types(flows: DataFrame, spans: DataFrame | None, basis: str = "address") -> DataFrame:
    """Flows and bytes by port and service, once for each end, as the original study's tables had them.

    Args:
        flows: labelled flows (FLOWS).
        spans: rows of LEASE_SPANS; None where customers are addresses.
        basis: what to call a customer that is an address.

    Returns:
        Rows of TRAFFIC_TYPES; flows and bytes of either end, and of the servers, sum to those of ``flows``.
    """
    held = with_customer(flows.withColumn("address", customer_address()), spans, basis)
    ends = F.explode(F.array(end_of("src", "dst"), end_of("dst", "src"))).alias("flow_end")
    both = held.withColumn("is_dst_server", is_dst_server("src_service", "dst_service")).select(
        "event_date", "protocol", "category", "customer", "customer_basis", volume(), ends
    )
    told = both.select("*", "flow_end.*").withColumn("flow_end", F.col("flow_end.name"))
    return told.transform(by_customers, TYPE_KEYS).select(*TRAFFIC_TYPES.columns)


def remote_networks(flows: DataFrame, spans: DataFrame | None, basis: str = "address") -> DataFrame:
    """Flows and bytes by the network outside, for flows between it and the own side.

    A network that one customer alone used would tell of that customer: those of a day are one row, ``others``.

    Args:
        flows: labelled flows (FLOWS).
        spans: rows of LEASE_SPANS; None where customers are addresses.
        basis: what to call a customer that is an address.

    Returns:
        Rows of REMOTE_NETWORKS; flows and bytes sum to those of the flows with one own end.
    """
    outside = F.when(F.col("is_src_own"), F.col("dst_ip")).otherwise(F.col("src_ip"))
    held = (
        flows.where(F.col("is_src_own") != F.col("is_dst_own"))
        .withColumns({"address": customer_address(), "outside": outside})
        .transform(with_customer, spans, basis)
        .select("event_date", F.expr(prefix_of("outside")).alias("network"), "customer", "customer_basis", volume())
    )
    is_shared = F.col("customers") >= LEAST_SHARED
    named = held.transform(by_customers, NETWORK_KEYS).withColumns(
        {
            "network": F.when(is_shared, F.col("network")).otherwise(OTHERS),
            "customers": F.when(is_shared, F.col("customers")),
        }
    )
    return (
        named.groupBy(*NETWORK_KEYS)
        .agg(F.max("customers").alias("customers"), F.sum("flows").alias("flows"), F.sum("bytes").alias("bytes"))
        .select(*REMOTE_NETWORKS.columns)
    )


def by_customers(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """``keys``, ``flows``, ``bytes``, and ``customers``: how many stood behind them at least.

    Whoever has a lease for part of a day is a subscriber and an address on it, so the larger number of both counts.
    First each customer's rows are one: so nothing is counted as distinct, which would keep every name in memory.

    Args:
        rows: ``keys``, ``customer`` (null where there is none), ``customer_basis`` and ``bytes``.
        keys: columns to tell apart.
    """
    each = rows.groupBy(*keys, "customer", "customer_basis").agg(
        F.count(F.lit(1)).alias("flows"), F.sum("bytes").alias("bytes")
    )
    has_customer = F.col("customer").isNotNull()
    by_lease = F.count_if(has_customer & (F.col("customer_basis") == "lease"))
    by_address = F.count_if(has_customer & (F.col("customer_basis") != "lease"))
    return each.groupBy(*keys).agg(
        F.greatest(by_lease, by_address).alias("customers"),
        F.sum("flows").alias("flows"),
        F.sum("bytes").alias("bytes"),
    )


def volume() -> Column:
    """Bytes both ways."""
    return (F.col("src_bytes") + F.col("dst_bytes")).alias("bytes")


def end_of(end: str, other: str) -> Column:
    """``end`` (src or dst) of a flow: ``name``, ``is_server``, ``port`` and ``service``.

    A client's port that nobody registered is told only where the server's is not registered either: else it was drawn
    for the connection and says nothing.
    """
    is_server = F.col("is_dst_server") if end == "dst" else ~F.col("is_dst_server")
    registered, port = F.col(f"{end}_service"), F.col(f"{end}_port")
    is_told = is_server | registered.isNotNull() | F.col(f"{other}_service").isNull()
    unregistered = F.when(port >= FIRST_DYNAMIC_PORT, DYNAMIC).otherwise(UNASSIGNED)
    own_service = F.when(port.isNotNull(), F.coalesce(registered, unregistered))
    return F.struct(
        F.lit(end).alias("name"),
        is_server.alias("is_server"),
        F.when((port < FIRST_DYNAMIC_PORT) & is_told, port).alias("port"),
        F.when(is_server, F.col("service")).otherwise(F.coalesce(own_service, "service")).alias("service"),
    )
