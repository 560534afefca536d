"""The pages of the reference tell of all there is, as it is declared."""

from pathlib import Path

import pytest
from pyspark.sql.types import DataType

from telflow.analysts.reference import (
    declared_columns,
    grid,
    reference_pages,
    runs_of,
    settings_of,
    spoken,
    table_page,
    tables_page,
)
from telflow.analysts.saved import saved_questions
from telflow.settings import Settings, known_keys, load_settings
from telflow.tables import ALL_TABLES, CUSTOMER_DAILY, FLOWS, GOLD_TABLES, Table

BUNDLE = [path.read_text(encoding="utf-8") for path in sorted(Path("jobs").glob("*.job.yml"))]
README = Path("README.md").read_text(encoding="utf-8")
SETTINGS = Path("conf/base/settings.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
@pytest.mark.usefixtures("spark")
def test_columns_read_without_spark_are_those_that_spark_reads(table: Table) -> None:
    told = [(one.name, DataType.fromDDL(one.kind), not one.is_required, one.meaning) for one in declared_columns(table)]
    assert told == [(field.name, field.dataType, field.nullable, field.metadata["comment"]) for field in table.schema]


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_each_table_names_the_script_that_writes_it(table: Table) -> None:
    assert Path("jobs", table.writer).is_file()


def test_a_page_tells_grain_columns_promises_query_and_freshness() -> None:
    told = table_page(CUSTOMER_DAILY)
    assert "One row is customer × local day." in told
    assert "| `bytes_up` | integer, 64 bits (`BIGINT`) |  | bytes the customer sent |" in told
    assert "| `input_macs` | `ARRAY<STRING>` | may be null |" in told
    assert "Partitioned by `local_date`." in told
    assert "| `volumes_not_negative` | `bytes_up >= 0 AND" in told
    assert "- bytes_up + bytes_down = sum of bytes_by_category = sum of bytes_by_hour" in told
    assert CUSTOMER_DAILY.sample_query in told
    assert "[its arguments](../jobs.md#roll_up_customerspy)" in told
    assert "Restricted" not in told
    assert "Restricted" in table_page(FLOWS)


def test_a_page_says_when_a_workspace_writes_the_table() -> None:
    job = (
        "resources:\n  jobs:\n    nightly:\n      schedule: {quartz_cron_expression: '0 5 4 * * ?'}\n      tasks:\n"
        "        - spark_python_task: {python_file: some/jobs/roll_up_customers.py}\n        - notebook_task: {}\n"
    )
    runs = runs_of([job, job.replace("nightly", "by_hand").replace("schedule", "x")])
    told = table_page(CUSTOMER_DAILY, runs[CUSTOMER_DAILY.writer])
    assert "run by the job `nightly` (every day at 04:05) and by the job `by_hand`, on the provider's clock." in told
    assert "run by" not in table_page(CUSTOMER_DAILY)


def test_the_bundle_writes_each_table_for_analysts() -> None:
    runs = runs_of(BUNDLE)
    assert [table.name for table in GOLD_TABLES if not runs.get(table.writer)] == []
    assert runs["train_segments.py"] == ["the job `segments` (Sundays at 09:00)"]


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 30 3 * * ?", "every day at 03:30"),
        ("0 0 9 ? * SUN", "Sundays at 09:00"),
        ("0 0 12 1 * ?", "on day 1 of each month at 12:00"),
        ("0 0/10 * * * ?", "by `0 0/10 * * * ?`"),
    ],
)
def test_schedules_are_told_in_words(cron: str, words: str) -> None:
    assert spoken(cron) == words


def test_all_tables_are_listed_once() -> None:
    told = tables_page()
    assert [told.count(f"]({table.name}.md)") for table in ALL_TABLES] == [1] * len(ALL_TABLES)


def test_every_setting_stands_there_with_its_meaning() -> None:
    found = settings_of(SETTINGS)
    told = {setting.key.replace("[]", "") for setting in found}
    assert told == {key for key in known_keys(Settings) if "." in key}
    assert [setting.key for setting in found if not setting.meaning] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lake.root", "./lake"),
        ("dashboard.accent", '"#0072B2"'),
        ("ingest.sources[].zone", "UTC"),
        ("churn.own_table.left", '"Yes"'),
        ("network.own_prefixes", "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fd00::/8"),
    ],
)
def test_defaults_are_those_of_the_file(key: str, value: str) -> None:
    assert {setting.key: setting.value for setting in settings_of(SETTINGS)}[key] == value


def test_zone_of_the_page_is_that_of_the_settings() -> None:
    zone = next(setting for setting in settings_of(SETTINGS) if setting.key == "network.zone")
    assert zone.value == load_settings().network.zone
    assert zone.meaning == "the provider's zone: days and hours of customers and peaks are local to it"


def test_all_pages_are_made() -> None:
    pages = reference_pages(README, SETTINGS, {"ask_question.py": "usage: ask_question.py"}, BUNDLE)
    assert {f"reference/tables/{table.name}.md" for table in ALL_TABLES} < set(pages)
    assert "| Zeek | `conn.log`, TSV and JSON" in pages["reference/input.md"]
    assert "| `churn_events.csv` | `subscriber_id,churn_date,reason` |" in pages["reference/input.md"]
    assert "## ask_question.py\n\n```text\nusage: ask_question.py\n```" in pages["reference/jobs.md"]
    assert pages["reference/questions.md"].count("\n## ") == len(saved_questions())


def test_a_pipe_in_a_cell_is_no_new_cell() -> None:
    assert grid(("a",), [("x | y",)]).splitlines() == ["| a |", "| --- |", "| x \\| y |"]
