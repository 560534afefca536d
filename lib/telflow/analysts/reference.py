"""Pages of the reference, in Markdown, told from the declarations: tables, views, questions, settings, jobs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from telflow.analysts.saved import SavedQuery, saved_questions, saved_views
from telflow.tables import ALL_TABLES, GOLD_TABLES, PROVIDER_TABLES, TRUTH_TABLES, Table

COLUMN = re.compile(r"^\s*(\w+)\s+([A-Z]+(?:<.*>)?)(\s+NOT NULL)?\s+COMMENT\s+'((?:[^']|'')*)'", re.MULTILINE)
KEY = re.compile(r"^(?P<indent> *)(?P<item>- )?(?P<key>\w+):(?: +(?P<value>.*?))??(?: +# (?P<meaning>.*))?$")
CLOCK = re.compile(r"^0 (?P<minute>\d+) (?P<hour>\d+) (?P<day>[?*]|\d+) \* (?P<weekday>[?*]|[A-Z]{3})$")
WEEKDAYS = {
    "MON": "Mondays",
    "TUE": "Tuesdays",
    "WED": "Wednesdays",
    "THU": "Thursdays",
    "FRI": "Fridays",
    "SAT": "Saturdays",
    "SUN": "Sundays",
}
ITEM = re.compile(r"^ *- (?P<value>\S+)$")
TYPES = {
    "BIGINT": "integer, 64 bits",
    "INT": "integer",
    "DOUBLE": "number",
    "STRING": "text",
    "DATE": "day",
    "TIMESTAMP": "time",
    "BOOLEAN": "yes or no",
    "BINARY": "sketch",
}


@dataclass(frozen=True)
class Column:
    """A declared column."""

    name: str
    kind: str
    is_required: bool
    meaning: str


@dataclass(frozen=True)
class Setting:
    """A key of the settings, with its default as conf/base writes it."""

    key: str
    value: str
    meaning: str


def reference_pages(readme: str, settings: str, helps: Mapping[str, str], bundle: Iterable[str]) -> dict[str, str]:
    """All pages, by their path in the site.

    Args:
        readme: text of README.md, whose lists of formats and of the provider's files are shown.
        settings: text of conf/base/settings.yaml.
        helps: what each script of jobs/ answers to ``--help``.
        bundle: texts of the bundle's files of jobs, which tell when each script runs.
    """
    runs = runs_of(bundle)
    return {
        "reference/input.md": input_page(readme),
        "reference/tables/index.md": tables_page(),
        **{f"reference/tables/{table.name}.md": table_page(table, runs.get(table.writer, [])) for table in ALL_TABLES},
        "reference/views.md": queries_page(
            "Views for BI",
            "Flat columns, local times, and counts estimated from sketches. `jobs/create_views.py` makes them in a "
            "catalogue, `jobs/export_tables.py` exports them from any lake.",
            saved_views(),
        ),
        "reference/questions.md": queries_page(
            "Saved questions",
            "Questions that people ask. `jobs/ask_question.py` asks them of any lake; in a workspace they run "
            "as they stand, once the schema is chosen and the views are made.",
            saved_questions(),
        ),
        "reference/settings.md": settings_page(settings),
        "reference/jobs.md": jobs_page(helps),
    }


def input_page(readme: str) -> str:
    """What can be read."""
    parts = ["# Input files", "## Flow records", "By content, plain or compressed by gzip, bzip2 or zstd."]
    parts += [table_headed(readme, "format", "what is read"), "## What the provider knows of its customers"]
    parts += [
        "In the folder `provider` beside the records, as far as there is any.",
        table_headed(readme, "file", "columns"),
    ]
    return page(parts)


def table_headed(text: str, *titles: str) -> str:
    """The table of ``text`` with these titles, as it stands."""
    [table] = re.findall(rf"^\| {' [|] '.join(titles)} \|\n(?:\|.*\n)+", text, re.MULTILINE)
    return str(table).rstrip()


def declared_columns(table: Table) -> list[Column]:
    """Columns of ``table`` in order, read without Spark."""
    return [
        Column(name, kind, bool(required), meaning.replace("''", "'"))
        for name, kind, required, meaning in COLUMN.findall(table.ddl)
    ]


def tables_page() -> str:
    """All tables in groups."""
    groups = {"For analysts": GOLD_TABLES, "As the provider delivers them": PROVIDER_TABLES}
    listed = {table.name for tables in groups.values() for table in tables}
    truth = {table.name for table in TRUTH_TABLES}
    groups["Records, registries and logs"] = tuple(
        table for table in ALL_TABLES if table.name not in listed and table.name not in truth
    )
    groups["Truth of simulations (synthetic)"] = TRUTH_TABLES
    parts = ["# Tables", "A page each, made of the declarations in `lib/telflow/tables.py`."]
    for title, tables in groups.items():
        rows = [(f"[`{table.name}`]({table.name}.md)", table.grain, table.answers) for table in tables]
        parts += [f"## {title}", grid(("table", "one row is", "it answers"), rows)]
    return page(parts)


def table_page(table: Table, runs: Sequence[str] = ()) -> str:
    """All that is declared of ``table``; ``runs`` tells of the jobs of the bundle that write it."""
    parts = [f"# {table.name}", table.answers, f"One row is {table.grain}."]
    if table.restricted:
        parts.append(
            '!!! warning "Restricted"\n    Not for analysts: no export, view or saved question reads it. It holds '
            "addresses in the clear, or who held which address and when."
        )
    rows = [
        (f"`{column.name}`", spelled(column.kind), "" if column.is_required else "may be null", column.meaning)
        for column in declared_columns(table)
    ]
    parts += ["## Columns", grid(("column", "type", "", "meaning and unit"), rows)]
    parts += ["## To start from", f"```sql\n{table.sample_query}\n```", "## Layout and promises", *promises(table)]
    parts += ["## Freshness", freshness(table, runs)]
    return page(parts)


def spelled(kind: str) -> str:
    """A type for a reader, with the type of the declaration."""
    return f"{TYPES[kind]} (`{kind}`)" if kind in TYPES else f"`{kind}`"


def promises(table: Table) -> Iterator[str]:
    """Partitions, constraints and identities of ``table``."""
    if table.partition_by:
        yield f"Partitioned by {', '.join(f'`{name}`' for name in table.partition_by)}."
    else:
        yield "Not partitioned."
    if table.checks:
        yield "Delta refuses rows that break one of these:"
        yield grid(("constraint", "condition"), [(f"`{name}`", f"`{sql}`") for name, sql in table.checks.items()])
    if table.identities:
        yield "Tests hold that"
        yield "\n".join(f"- {identity}" for identity in table.identities)


def freshness(table: Table, runs: Sequence[str]) -> str:
    """Who writes ``table`` and when, and how to see when it was written last."""
    scheduled = f" In a workspace it is run by {' and by '.join(runs)}, on the provider's clock." if runs else ""
    return (
        f"`jobs/{table.writer}` writes it ([its arguments](../jobs.md#{anchor(table.writer)})).{scheduled} When it did "
        f"last, and what it changed:\n\n```sql\nDESCRIBE HISTORY {table.name} LIMIT 1\n```\n\nIn a folder, name the "
        f"table ``delta.`lake/{table.name}` `` instead."
    )


def runs_of(bundle: Iterable[str]) -> dict[str, list[str]]:
    """By script of jobs/, the jobs of the bundle that run it, each with its schedule in words."""
    found: dict[str, list[str]] = {}
    for text in bundle:
        for name, job in yaml.safe_load(text)["resources"]["jobs"].items():
            schedule = job.get("schedule", {}).get("quartz_cron_expression")
            when = f"the job `{name}`" + (f" ({spoken(schedule)})" if schedule else "")
            for task in job["tasks"]:
                script = PurePosixPath(task.get("spark_python_task", {}).get("python_file", "")).name
                told = found.setdefault(script, [])
                told.extend([] if when in told else [when])
    return found


def spoken(cron: str) -> str:
    """A schedule of Quartz in words, where it is of days, of a weekday or of a day of the month."""
    match = CLOCK.match(cron)
    if match is None:
        return f"by `{cron}`"
    clock = f"at {int(match['hour']):02}:{int(match['minute']):02}"
    if match["weekday"] in WEEKDAYS:
        return f"{WEEKDAYS[match['weekday']]} {clock}"
    return f"on day {match['day']} of each month {clock}" if match["day"].isdigit() else f"every day {clock}"


def queries_page(title: str, about: str, queries: Iterable[SavedQuery]) -> str:
    """Saved SQL with its columns."""
    parts = [f"# {title}", about]
    for query in queries:
        rows = [(f"`{name}`", meaning) for name, meaning in query.columns.items()]
        sources = ", ".join(f"[`{table.name}`](tables/{table.name}.md)" for table in query.tables)
        parts += [f"## {query.name}", query.answers, grid(("column", "meaning and unit"), rows)]
        parts += [f"Reads {sources}.", f"```sql\n{query.sql}\n```"]
    return page(parts)


def settings_page(text: str) -> str:
    """Every key with its default and meaning."""
    parts = [
        "# Settings",
        "Every key of `conf/base/settings.yaml` with its default. `conf/<environment>/settings.yaml` holds what "
        "differs, and `--set key=value` on a job's command line goes over both.",
    ]
    section, rows = "", list[tuple[str, ...]]()
    for setting in settings_of(text):
        first = setting.key.split(".")[0]
        if first != section:
            parts += [grid(("key", "default", "meaning and unit"), rows)] if rows else []
            parts.append(f"## {first}")
            section, rows = first, []
        rows.append((f"`{setting.key}`", f"`{setting.value}`" if setting.value else "", setting.meaning))
    return page([*parts, grid(("key", "default", "meaning and unit"), rows)])


def settings_of(text: str) -> list[Setting]:
    """The keys of a settings file, nested ones by their path; ``[]`` stands for each entry of a list."""
    found: list[Setting] = []
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        item = ITEM.match(line)
        if item and found:
            before = found[-1]
            value = f"{before.value}, {item['value']}" if before.value else item["value"]
            found[-1] = Setting(before.key, value, before.meaning)
        match = KEY.match(line)
        if match is None:
            continue
        depth = len(match["indent"]) + len(match["item"] or "")
        above = [(indent, key) for indent, key in above if indent < depth]
        if match["item"] and above:
            above[-1] = (above[-1][0], above[-1][1].removesuffix("[]") + "[]")
        above.append((depth, match["key"]))
        if depth:
            path = ".".join(key for _, key in above)
            found.append(Setting(path, match["value"] or "", match["meaning"] or ""))
    return found


def jobs_page(helps: Mapping[str, str]) -> str:
    """What each script of jobs/ says of itself."""
    parts = ["# Jobs", "What each script answers to `--help`."]
    for script, told in helps.items():
        parts += [f"## {script}", f"```text\n{told.strip()}\n```"]
    return page(parts)


def anchor(heading: str) -> str:
    """The address of a heading within its page."""
    return re.sub(r"[^\w-]", "", heading)


def grid(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
