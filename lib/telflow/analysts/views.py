"""Names that analysts ask by: views of a catalogue, or of one session over a lake in a folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from telflow.analysts.saved import SOURCE, SavedQuery, saved_views
from telflow.errors import NoCatalogueError, TableMissingError
from telflow.facts import lake_facts, records_held
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, Table

ALIASED_SOURCE = re.compile(SOURCE.pattern + r"(\s+AS\s+\w+)?", re.IGNORECASE)


@dataclass
class ViewReport:
    """What became of the views.

    Attributes:
        created: names of the views made, or made anew.
        lacking: by name of views among them, the tables not there yet whose columns are null in them.
        waiting: by name of the views left out, the tables they read that are not there yet.
    """

    created: list[str] = field(default_factory=list)
    lacking: dict[str, list[Table]] = field(default_factory=dict)
    waiting: dict[str, list[Table]] = field(default_factory=dict)


def create_views(lake: Lake, zone: str) -> ViewReport:
    """Make the views for BI in the lake's schema, in the place of those that are there.

    Args:
        lake: a lake in a catalogue.
        zone: the provider's time zone, which local times in views are of.

    Raises:
        NoCatalogueError: the lake is a folder, and keeps no views.
    """
    if not lake.in_catalog:
        raise NoCatalogueError(
            f"{lake.root} is a folder, and views live in a catalogue (lake.in_catalog): export them with "
            "jobs/export_tables.py, which takes the names of views too, or ask them with jobs/ask_question.py"
        )
    report = ViewReport()
    for view in saved_views():
        missing = missing_tables(lake, view)
        if missing:
            report.waiting[view.name] = missing
        else:
            lake.spark.sql(definition(lake, view, zone))
            report.created.append(view.name)
            lacking = [table for table in view.tables if not lake.exists(table)]
            report.lacking |= {view.name: lacking} if lacking else {}
    return report


def register(lake: Lake, zone: str, query: SavedQuery | None = None) -> list[str]:
    """Make tables for analysts, and views whose tables are there, known to the session by their bare names.

    Args:
        lake: in a folder or in a catalogue.
        zone: the provider's time zone.
        query: what is to be asked, which needs no more than it reads; None for everything.

    Returns:
        The names.
    """
    wanted = query.tables if query else [table for table in ALL_TABLES if not table.restricted]
    there = [table for table in wanted if lake.exists(table)]
    for table in there:
        lake.read(table).createOrReplaceTempView(table.name)
    names = {table.name for table in there}
    views = [view for view in saved_views() if query is None or view.name in query.sources]
    complete = [view for view in views if {table.name for table in view.required} <= names]
    for view in complete:
        lake.spark.sql(qualified(lake, view.in_zone(zone))).createOrReplaceTempView(view.name)
    return [*(table.name for table in there), *(view.name for view in complete)]


def is_synthetic(lake: Lake) -> bool:
    """Whether the records of ``lake`` are synthetic, which is said wherever they are shown."""
    return records_held(lake, lake_facts(lake)) == "synthetic"


def missing_tables(lake: Lake, query: SavedQuery) -> list[Table]:
    """Tables that ``query`` cannot be asked without, and nothing has written yet."""
    return [table for table in query.required if not lake.exists(table)]


def check_tables(lake: Lake, query: SavedQuery) -> None:
    """Raise a TableMissingError where a table is not there that ``query`` needs; it names the job that writes it."""
    missing = missing_tables(lake, query)
    if missing:
        raise TableMissingError(f"{query.name} reads what is not there yet in {lake.root}: {with_writers(missing)}")


def with_writers(tables: Sequence[Table]) -> str:
    """``tables`` for a reader, each with the job that writes it."""
    return ", ".join(f"{table.name} (jobs/{table.writer} writes it)" for table in tables)


def definition(lake: Lake, view: SavedQuery, zone: str) -> str:
    """The statement that makes ``view`` in the lake's schema, with its comments."""
    columns = ", ".join(f"{name} COMMENT {literal(meaning)}" for name, meaning in view.columns.items())
    return (
        f"CREATE OR REPLACE VIEW {lake.root}.{view.name} ({columns}) COMMENT {literal(view.answers)} AS "
        f"{qualified(lake, view.in_zone(zone))}"
    )


def qualified(lake: Lake, sql: str) -> str:
    """``sql`` with the lake's own names of its tables, which go on being called by their bare ones.

    In the place of a table that is not there stands a SELECT of its columns, without a row.
    """
    tables = {table.name: table for table in ALL_TABLES}

    def named(found: re.Match[str]) -> str:
        word, bare, alias = found[1], found[2], found[3] or f" AS {found[2]}"
        if bare not in tables:
            return found[0]
        table = tables[bare]
        return f"{word} {lake.name(table) if lake.exists(table) else nothing(table)}{alias}"

    return ALIASED_SOURCE.sub(named, sql)


def nothing(table: Table) -> str:
    """The columns of ``table`` without a row, to stand in a FROM."""
    columns = ", ".join(f"CAST(NULL AS {field.dataType.simpleString()}) AS {field.name}" for field in table.schema)
    return f"(SELECT {columns} WHERE FALSE)"


def literal(text: str) -> str:
    """``text`` as a string of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
