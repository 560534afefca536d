"""Which service a flow is, by the IANA registry, and which of its ends is the server.

Both ends are looked up in one broadcast table, keyed by protocol and port packed into one long. Protocols without
ports stand in it under a negative key, so that two look-ups answer everything.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.classify.registries import FIRST_DYNAMIC_PORT, FIRST_USER_PORT, TRANSPORTS

UNASSIGNED = "unassigned"
DYNAMIC = "dynamic"
OTHER = "other"

FACTS = ("name", "category")

LABELS = (
    "src_service",
    "dst_service",
    "service",
    "service_basis",
    "port_class",
    "category",
    "registry_version",
)

SERVICE_BASES = {
    "initiator": "rule 1: the exporter says who opened the connection, so the responder's port counts",
    "only_registered_end": "rule 2: only one end's port is registered",
    "system_port": "rule 3: both are registered, and one of them is a system port",
    "lower_port": "rule 3: both are registered, both system or both user ports, and the lower counts",
    "destination": "rule 3: both are registered and the ports are equal",
    "unassigned": "rule 4: neither is registered, and at least one is below 49152",
    "dynamic": "rule 4: neither is registered, and both are dynamic ports",
    "protocol": "rule 5: the protocol has no ports, or the record tells none; the protocol's keyword counts",
}


def with_labels(
    flows: DataFrame,
    services: DataFrame,
    protocols: DataFrame,
    categories: Mapping[str, str],
    registry_version: str,
) -> DataFrame:
    """Adds what the registry says of each flow, in the place of any earlier labels.

    Args:
        flows: needs ``protocol``, ``src_port``, ``dst_port`` (int) and ``initiator`` (src, dst or null).
        services: rows of ``iana_services``, of any versions.
        protocols: rows of ``iana_protocols``, of any versions.
        categories: category by service; a service without one is ``other``.
        registry_version: version to label with; without rows of it, every flow is unassigned or dynamic.

    Returns:
        ``flows`` and ``src_service``, ``dst_service`` (null where the port is not registered), ``service``,
        ``service_basis`` (a key of ``SERVICE_BASES``), ``port_class`` (system, user or dynamic: of the server's port;
        none where there is no port), ``category`` and ``registry_version``.
    """
    unlabelled = flows.drop(*LABELS)
    known = lookup_table(services, protocols, categories, registry_version)
    ends = (
        unlabelled.withColumns({"_src_key": src_key(), "_dst_key": dst_key()})
        .join(F.broadcast(known).alias("src_end"), how="left", on=F.col("_src_key") == F.col("src_end.key"))
        .join(F.broadcast(known).alias("dst_end"), how="left", on=F.col("_dst_key") == F.col("dst_end.key"))
        .withColumns({f"_{end}_{fact}": F.col(f"{end}_end.{fact}") for end in ("src", "dst") for fact in FACTS})
        .withColumn("_is_dst_server", is_dst_server())
        .withColumn("_server_port", server_port())
    )
    return ends.select(
        *unlabelled.columns,
        F.col("_src_name").alias("src_service"),
        F.when(has_ports(), F.col("_dst_name")).alias("dst_service"),
        F.coalesce(of_server("name"), unregistered()).alias("service"),
        service_basis().alias("service_basis"),
        port_class(F.col("_server_port")).alias("port_class"),
        F.coalesce(of_server("category"), unregistered()).alias("category"),
        F.lit(registry_version).alias("registry_version"),
    )


def lookup_table(
    services: DataFrame, protocols: DataFrame, categories: Mapping[str, str], registry_version: str
) -> DataFrame:
    """One row a key of ``port_key`` or ``protocol_key``: ``key`` (bigint), ``name`` and ``category`` (string)."""
    is_wanted = F.col("registry_version") == registry_version
    has_keyword = F.col("keyword").isNotNull()
    ports = services.where(is_wanted).select(port_key("port").alias("key"), F.col("service").alias("name"))
    portless = protocols.where(is_wanted & has_keyword).select(protocol_key().alias("key"), F.col("keyword"))
    reviewed = services.sparkSession.createDataFrame(list(categories.items()), "name string, category string")
    return (
        ports.union(portless)
        .join(F.broadcast(reviewed), how="left", on="name")
        .select("key", "name", F.coalesce("category", F.lit(OTHER)).alias("category"))
    )


def port_key(port: str) -> Column:
    """Protocol and ``port`` in one long."""
    return F.col("protocol").cast("long") * 65536 + F.col(port)


def protocol_key() -> Column:
    """A protocol without a port in one long, below every ``port_key``."""
    return -1 - F.col("protocol").cast("long")


def has_ports() -> Column:
    """Whether the protocol has registered ports and the record tells one."""
    has_registered_ports = F.col("protocol").isin(*TRANSPORTS.values())
    return has_registered_ports & (F.col("src_port").isNotNull() | F.col("dst_port").isNotNull())


def src_key() -> Column:
    """Key of the source's port; null where there is none."""
    return F.when(has_ports(), port_key("src_port"))


def dst_key() -> Column:
    """Key of the destination's port; the protocol's own where there are no ports."""
    return F.when(has_ports(), port_key("dst_port")).otherwise(protocol_key())


def tells_responder() -> Column:
    """Whether the record says who opened the connection, and which port the other end answered on."""
    src_opened = (F.col("initiator") == "src") & F.col("dst_port").isNotNull()
    dst_opened = (F.col("initiator") == "dst") & F.col("src_port").isNotNull()
    return src_opened | dst_opened


def is_dst_server(src_name: str = "_src_name", dst_name: str = "_dst_name") -> Column:
    """Whether the destination is the server, by the rules of ``SERVICE_BASES``.

    Of two unregistered ports the lower is taken for the server's, as of two registered ones.

    Args:
        src_name: column with the service registered for the source's port, null where there is none.
        dst_name: the same of the destination's.
    """
    src_known, dst_known = F.col(src_name).isNotNull(), F.col(dst_name).isNotNull()
    dst_is_not_higher = F.coalesce(F.col("dst_port") <= F.col("src_port"), F.col("dst_port").isNotNull())
    chosen = (
        F.when(tells_responder(), F.col("initiator") == "src")
        .when(src_known != dst_known, dst_known)
        .otherwise(dst_is_not_higher)
    )
    return ~has_ports() | chosen


def service_basis() -> Column:
    """The rule of ``SERVICE_BASES`` that ``is_dst_server`` went by."""
    src_port, dst_port = F.col("src_port"), F.col("dst_port")
    src_known, dst_known = F.col("_src_name").isNotNull(), F.col("_dst_name").isNotNull()
    one_is_system = (src_port < FIRST_USER_PORT) != (dst_port < FIRST_USER_PORT)
    both_dynamic = F.least(src_port, dst_port) >= FIRST_DYNAMIC_PORT
    of_two = F.when(one_is_system, "system_port").when(src_port != dst_port, "lower_port").otherwise("destination")
    return (
        F.when(~has_ports(), "protocol")
        .when(tells_responder(), "initiator")
        .when(src_known != dst_known, "only_registered_end")
        .when(src_known & dst_known, of_two)
        .otherwise(F.when(both_dynamic, DYNAMIC).otherwise(UNASSIGNED))
    )


def server_port() -> Column:
    """Port of the server; null where there are no ports."""
    return F.when(has_ports(), F.when(F.col("_is_dst_server"), F.col("dst_port")).otherwise(F.col("src_port")))


def of_server(fact: str) -> Column:
    """``name`` or ``category`` that the look-up gave for the server's end."""
    return F.when(F.col("_is_dst_server"), F.col(f"_dst_{fact}")).otherwise(F.col(f"_src_{fact}"))


def unregistered() -> Column:
    """What a server's port is called that nothing is registered for."""
    return F.when(F.col("_server_port") >= FIRST_DYNAMIC_PORT, DYNAMIC).otherwise(UNASSIGNED)


def port_class(port: Column) -> Column:
    """Range of ``port`` by RFC 6335: system, user, dynamic; none where it is null."""
    return (
        F.when(port < FIRST_USER_PORT, "system")
        .when(port < FIRST_DYNAMIC_PORT, "user")
        .when(port.isNotNull(), DYNAMIC)
        .otherwise("none")
    )
