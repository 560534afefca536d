"""Facts of the lake."""

from telflow.dashboard.data import Reader, is_there
from telflow.dashboard.relations import FACTS, TRUTH
from telflow.errors import TableMissingError


def is_synthetic(reader: Reader) -> bool:
    """Whether the records of the lake are simulated; a lake that says nothing but holds a simulation's truth is."""
    return is_there(reader, TRUTH) or stated_records(reader) == "synthetic"


def stated_records(reader: Reader) -> str | None:
    """What the lake's facts say of its records: synthetic, own or nothing."""
    newest = "SELECT value FROM lake_facts WHERE fact = 'records' ORDER BY stated_at DESC LIMIT 1"
    try:
        rows = reader.query(newest, [], [FACTS.name])
    except TableMissingError:
        return None
    return rows.item() if rows.height else None
