"""Which reader the settings ask for."""

from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

from telflow.dashboard.data import DeltaReader, Reader
from telflow.dashboard.relations import Relation
from telflow.dashboard.warehouse import open_warehouse
from telflow.errors import SettingsError, TableMissingError
from telflow.settings import Settings


def open_reader(settings: Settings) -> Reader:
    """The reader that the settings ask for.

    Raises:
        SettingsError: tables of a catalogue can be had from a warehouse alone, and that needs a host and a path.
        PackageMissingError: the connector of the warehouse is not installed.
    """
    dashboard = settings.dashboard
    if dashboard.reader == "warehouse":
        return open_warehouse(settings)
    if settings.lake.in_catalog:
        raise SettingsError("lake.in_catalog = true: set dashboard.reader=warehouse, delta-rs reads folders alone")
    return DeltaReader(
        settings.lake.root,
        settings.network.zone,
        refresh_seconds=dashboard.refresh_seconds,
        cache_entries=dashboard.cache_entries,
    )


def warm(reader: Reader, relations: Sequence[Relation]) -> Thread:
    """Read ``relations`` ahead in a thread, so that the first visitor does not wait for them.

    Tables that are missing are left for the pages to tell.
    """

    def read() -> None:
        for name in dict.fromkeys(relation.name for relation in relations):
            with suppress(TableMissingError):
                reader.state(name)

    thread = Thread(target=read, daemon=True)
    thread.start()
    return thread
