"""Job: load an IANA registry into the lake as a new version, and say what it changes.

Without files it loads the registry that came with the package.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from telflow.classify.registries import TRANSPORTS, Registry, read_registry
from telflow.classify.shipped import STALE_AFTER_DAYS, load_shipped_registry, registry_age_days, write_resource
from telflow.classify.versions import Key, changes, load_version, loaded_versions, registry_of
from telflow.cli import job_parser, open_job, run_script
from telflow.lake import Lake

SHOWN = 5


def main(argv: Sequence[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--services", type=Path, help="IANA's service-names-port-numbers.csv")
    parser.add_argument("--protocols", type=Path, help="IANA's protocol-numbers-1.csv")
    parser.add_argument("--write-resource", type=Path, metavar="FOLDER", help="also write it as the package ships it")
    arguments = parser.parse_args(argv)
    registry = read_asked(parser, arguments)
    if arguments.write_resource is not None:
        write_resource(registry, arguments.write_resource, datetime.now(UTC).date())

    job = open_job(arguments)
    with job.alone():
        print("\n".join(loaded(job.lake, registry)))
    if registry_age_days(registry) > STALE_AFTER_DAYS:
        print(f"its newest entry is {registry_age_days(registry)} days old: download the registries from IANA again")
    return 0


def read_asked(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Registry:
    """The registry that the command line asks for."""
    if (arguments.services is None) != (arguments.protocols is None):
        parser.error("--services and --protocols go together: give both files, or neither")
    if arguments.services is None:
        return load_shipped_registry()
    return read_registry(arguments.services, arguments.protocols)


def loaded(lake: Lake, registry: Registry) -> list[str]:
    """What loading ``registry`` into ``lake`` changed there, in words."""
    versions = loaded_versions(lake)
    version = load_version(lake, registry)
    if version in versions:
        return [f"registry {version} is loaded already: nothing changed"]
    told = f"registry {version} loaded: {len(registry.by_port):,} ports, {len(registry.protocols)} protocols"
    return [told, *(told_changes(registry_of(lake, versions[-1]), registry) if versions else [])]


def told_changes(before: Registry, after: Registry) -> list[str]:
    """Ports added, removed and renamed since ``before``: how many, and the first few."""
    changed = changes(before, after)
    renamed = {key: f"{old} -> {new}" for key, (old, new) in changed.renamed.items()}
    told = [f"against {before.version}:"]
    for verb, ports in (("added", changed.added), ("removed", changed.removed), ("renamed", renamed)):
        first = ", ".join(f"{port_name(key)} {name}" for key, name in list(ports.items())[:SHOWN])
        more = ", ..." if len(ports) > SHOWN else ""
        told.append(f"  {verb} {len(ports):,}" + (f": {first}{more}" if ports else ""))
    return told


def port_name(key: Key) -> str:
    """A port as people write it, such as ``443/tcp``."""
    transports = {number: name for name, number in TRANSPORTS.items()}
    return f"{key[1]}/{transports[key[0]]}"


if __name__ == "__main__":
    run_script(main)
