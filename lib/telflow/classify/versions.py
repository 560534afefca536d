"""Registry versions in the lake: which are there, which one to label with, and what changed between two."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.classify.registries import ProtocolFact, Registry, ServiceFact
from telflow.errors import RegistryError
from telflow.lake import Lake
from telflow.tables import IANA_PROTOCOLS, IANA_SERVICES

Key = tuple[int, int]


@dataclass(frozen=True)
class RegistryChanges:
    """What differs between two registry versions, by (protocol number, port)."""

    added: dict[Key, str]
    removed: dict[Key, str]
    renamed: dict[Key, tuple[str, str]]


def services_frame(spark: SparkSession, registry: Registry) -> DataFrame:
    """Rows of ``iana_services``: the facts, one row a protocol and port."""
    rows = [
        (registry.version, protocol, port, fact.service, list(fact.aliases), fact.status)
        for (protocol, port), fact in registry.by_port.items()
    ]
    return spark.createDataFrame(rows, IANA_SERVICES.schema)


def protocols_frame(spark: SparkSession, registry: Registry) -> DataFrame:
    """Rows of ``iana_protocols``: one row a protocol number."""
    rows = [(registry.version, fact.number, fact.keyword) for fact in registry.protocols]
    return spark.createDataFrame(rows, IANA_PROTOCOLS.schema)


def registry_in(services: DataFrame, protocols: DataFrame, version: str) -> Registry:
    """One version back from rows of ``iana_services`` and ``iana_protocols``; a fact a port, not a range."""
    is_wanted = F.col("registry_version") == version
    facts = [
        ServiceFact(row.protocol, row.port, row.port, row.service, tuple(row.aliases), row.status)
        for row in services.where(is_wanted).collect()
    ]
    numbers = [ProtocolFact(row.protocol, row.keyword) for row in protocols.where(is_wanted).collect()]
    return Registry(version, tuple(facts), tuple(numbers))


def loaded_versions(lake: Lake) -> list[str]:
    """Versions that the lake holds, oldest first."""
    rows = lake.read_or_empty(IANA_PROTOCOLS).select("registry_version").distinct().collect()
    return sorted((row.registry_version for row in rows), key=version_order)


def version_order(version: str) -> tuple[str, int]:
    """Sorts by the registry's date, then by the number that tells versions of one date apart."""
    date, _, number = version.partition(".")
    return date, int(number or 1)


def load_version(lake: Lake, registry: Registry) -> str:
    """Puts ``registry`` into the lake, unless a version with the same facts is there.

    Its version is the date of its newest entry. IANA also changes entries without a date: other facts under a date
    that is taken become ``<date>.2``, and so on, so that no version ever changes what it says.

    Returns:
        The version it has in the lake.
    """
    dated = [version for version in loaded_versions(lake) if version_order(version)[0] == registry.version]
    for version in dated:
        if registry_of(lake, version).digest == registry.digest:
            return version
    version = f"{registry.version}.{len(dated) + 1}" if dated else registry.version
    added = replace(registry, version=version)
    where = f"registry_version = '{version}'"
    lake.replace(IANA_SERVICES, services_frame(lake.spark, added), where)
    lake.replace(IANA_PROTOCOLS, protocols_frame(lake.spark, added), where)  # last: it makes the version count
    return version


def registry_of(lake: Lake, version: str) -> Registry:
    """One version as the lake holds it."""
    return registry_in(lake.read(IANA_SERVICES), lake.read(IANA_PROTOCOLS), version)


def choose_version(versions: Iterable[str], wanted: str | None) -> str:
    """The version to label with: the wanted one, else the newest.

    Raises:
        RegistryError: it is not there.
    """
    loaded = sorted(versions, key=version_order)
    if not loaded:
        raise RegistryError("the lake holds no IANA registry yet: run jobs/refresh_registry.py")
    if wanted is not None and wanted not in loaded:
        raise RegistryError(
            f"registry version {wanted} is not in iana_services, which holds {', '.join(loaded)}: "
            "choose one of these, or load its files with jobs/refresh_registry.py --services F --protocols F"
        )
    return wanted or loaded[-1]


def changes(before: Registry, after: Registry) -> RegistryChanges:
    """Ports that ``after`` registers and ``before`` does not, the reverse, and those whose primary name differs."""
    old, new = before.by_port, after.by_port
    kept = sorted(key for key in old.keys() & new.keys() if old[key].service != new[key].service)
    return RegistryChanges(
        added={key: new[key].service for key in sorted(new.keys() - old.keys())},
        removed={key: old[key].service for key in sorted(old.keys() - new.keys())},
        renamed={key: (old[key].service, new[key].service) for key in kept},
    )
