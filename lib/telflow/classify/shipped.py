"""The registry that ships with the package: facts in two small tables, and where they come from."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from telflow.classify.registries import ProtocolFact, Registry, ServiceFact

SERVICES_FILE = "iana_services.tsv"
PROTOCOLS_FILE = "iana_protocols.tsv"
PROVENANCE_FILE = "provenance.yaml"
SERVICE_HEADER = ("protocol", "port_from", "port_to", "service", "aliases", "status")
PROTOCOL_HEADER = ("number", "keyword")

STALE_AFTER_DAYS = 730


def resource_folder() -> Traversable:
    return resources.files("telflow.classify") / "resources"


def load_shipped_registry() -> Registry:
    """The registry as it came with the package."""
    folder = resource_folder()
    services = [
        ServiceFact(int(protocol), int(first), int(last), service, tuple(aliases.split()), status)
        for protocol, first, last, service, aliases, status in read_table(folder / SERVICES_FILE)
    ]
    protocols = [ProtocolFact(int(number), keyword or None) for number, keyword in read_table(folder / PROTOCOLS_FILE)]
    return Registry(str(provenance()["newest_entry"]), tuple(services), tuple(protocols))


def provenance() -> dict[str, Any]:
    """Where the shipped facts come from, under which licence, of when, and how to refresh them."""
    return dict(yaml.safe_load((resource_folder() / PROVENANCE_FILE).read_text(encoding="utf-8")))


def registry_age_days(registry: Registry, today: date | None = None) -> int:
    """Days since the newest entry of ``registry``; IANA adds entries every month."""
    newest = f"{registry.version.partition('.')[0]}-01"[:10]  # a month without a day counts from its first
    return ((today or datetime.now(UTC).date()) - date.fromisoformat(newest)).days


def write_resource(registry: Registry, folder: Path, retrieved: date) -> None:
    """Write ``registry`` as the package ships it.

    Args:
        registry: facts read from IANA's files.
        folder: ``lib/telflow/classify/resources`` of a checkout.
        retrieved: day the files were downloaded.
    """
    services = (
        (fact.protocol, fact.port_from, fact.port_to, fact.service, " ".join(fact.aliases), fact.status)
        for fact in registry.services
    )
    write_table(folder / SERVICES_FILE, SERVICE_HEADER, services)
    protocols = ((fact.number, fact.keyword or "") for fact in registry.protocols)
    write_table(folder / PROTOCOLS_FILE, PROTOCOL_HEADER, protocols)
    told = {
        "source": "IANA Service Name and Transport Protocol Port Number Registry; IANA Protocol Numbers",
        "files": ["service-names-port-numbers.csv", "protocol-numbers-1.csv"],
        "licence": "CC0-1.0",
        "newest_entry": registry.version,
        "retrieved": retrieved.isoformat(),
        "digest": registry.digest,
        "kept": "protocol, ports, service names, range of the port; protocol number and keyword. No descriptions.",
        "refresh": "download both files from IANA, then "
        "jobs/refresh_registry.py --services F --protocols F --write-resource lib/telflow/classify/resources",
    }
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)
    (folder / PROVENANCE_FILE).write_text(text, encoding="utf-8")


def read_table(file: Traversable) -> list[list[str]]:
    """Lines below the header of a tab-separated file, as fields."""
    return list(csv.reader(file.read_text(encoding="utf-8").splitlines()[1:], delimiter="\t", quoting=csv.QUOTE_NONE))


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = ["\t".join(map(str, row)) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
