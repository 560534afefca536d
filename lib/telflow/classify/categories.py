"""Categories of services: a table that people review, with a version of its own."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from telflow.classify.labels import DYNAMIC, OTHER, UNASSIGNED
from telflow.classify.reviewed import ReviewedTable, check_known, read_reviewed
from telflow.classify.shipped import load_shipped_registry
from telflow.errors import ReviewedTableError
from telflow.settings import conf_folder

VERSION_NOTE = re.compile(r"version: (\S+)")
SUM = "all"
CATEGORY_NOTE = re.compile(r"category: (.+?) = (.+)")


@dataclass(frozen=True)
class Categories:
    """The reviewed categories.

    Attributes:
        version: version of the table.
        meanings: what each category means.
        by_service: category by IANA service name or protocol keyword; what is not in it is ``other``.
    """

    version: str
    meanings: dict[str, str]
    by_service: dict[str, str]


def load_categories(
    path: str | None = None, conf: Path | None = None, known_services: Collection[str] | None = None
) -> Categories:
    """The reviewed table of categories, checked.

    Args:
        path: CSV with the columns ``service`` and ``category``; None for ``base/categories.csv`` of the settings.
        conf: folder of the settings, as for ``load_settings``.
        known_services: names that may stand in it; None for those of the registry that came with the package.

    Raises:
        ReviewedTableError: a service that stands twice or is not registered, a category without a meaning, no
            version; it names file and line.
    """
    file = Path(path) if path is not None else conf_folder(conf) / "base" / "categories.csv"
    table = read_reviewed(file, ("service", "category"))
    meanings = parse_meanings(table)
    known = load_shipped_registry().names if known_services is None else known_services
    by_service: dict[str, str] = {}
    for line, row in table.rows:
        service, category = row["service"], row["category"]
        check_known(table, line, "service", service, known)
        check_known(table, line, "category", category, meanings)
        if service in by_service:
            raise ReviewedTableError(
                f"{table.path}, line {line}, column service: {service!r} stands there twice; keep one of them"
            )
        by_service[service] = category
    return Categories(parse_version(table), meanings, by_service)


def parse_version(table: ReviewedTable) -> str:
    """Version that the notes give, as in ``# version: 1``."""
    versions = [match[1] for _, note in table.notes if (match := VERSION_NOTE.fullmatch(note))]
    if len(versions) != 1:
        raise ReviewedTableError(f"{table.path}: write its version once, on a line such as '# version: 1'")
    return versions[0]


def parse_meanings(table: ReviewedTable) -> dict[str, str]:
    """Categories that the notes declare, as in ``# category: web = pages and APIs``."""
    meanings = {match[1]: match[2] for _, note in table.notes if (match := CATEGORY_NOTE.fullmatch(note))}
    missing = [name for name in (UNASSIGNED, DYNAMIC, OTHER) if name not in meanings]
    if missing:
        raise ReviewedTableError(
            f"{table.path}: category {', '.join(missing)} is not declared; flows may be given it, "
            f"so add a line such as '# category: {missing[0]} = what it means'"
        )
    if SUM in meanings:
        raise ReviewedTableError(f"{table.path}: category {SUM} is the sum of the others in micro_trends; rename it")
    return meanings
