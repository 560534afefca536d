"""The jobs for analysts end to end: what they print, and that asking twice is asking once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import ask_question, create_views, export_tables
from telflow.analysts.saved import saved_questions
from telflow.errors import NoCatalogueError, UnknownNameError
from tests.analysts.lake import write_lake


@pytest.fixture(scope="module")
def arguments(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    root = tmp_path_factory.mktemp("analysts")
    write_lake(spark, root)
    yield ["--set", f"lake.root={root}"]
    for table in spark.catalog.listTables():
        if table.isTemporary:
            spark.catalog.dropTempView(table.name)


def test_exports_can_be_repeated(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*arguments, "customer_daily", "plans", "--output", str(tmp_path), "--format", "csv", "--overwrite"]
    contents = []
    for _ in range(2):
        assert export_tables.main([*command, "--days", "2024-03-10..2024-03-10"]) == 0
        contents.append({path.name: path.read_bytes() for path in sorted(tmp_path.rglob("*.csv"))})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"customer_daily-00001.csv", "plans-00001.csv"}
    told = capsys.readouterr().out
    assert "These records are synthetic" in told
    assert "synthetic" in (tmp_path / "SYNTHETIC.txt").read_text(encoding="utf-8")
    assert f"customer_daily: 3 rows in {tmp_path}/customer_daily, without peers_sketch (binary)" in told
    assert f"plans: 2 rows in {tmp_path}/plans, all of it: it tells of no days" in told


def test_a_question_is_answered_with_the_meaning_of_its_columns(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_question.main([*arguments, "plans_outgrown"]) == 0
    told = capsys.readouterr().out
    assert "Whose plan is too small or too large" in told
    assert "These records are synthetic." in told
    assert "|basic|up" in told
    assert "customers: customers, as of the newest date" in told


def test_several_questions_are_answered_in_their_order(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_question.main([*arguments, "plans_outgrown", "active_customers", "--rows", "1"]) == 0
    told = capsys.readouterr().out
    assert told.index("Whose plan is too small") < told.index("How many customers are active on each day?")
    with pytest.raises(UnknownNameError, match="did you mean active_customers"):
        ask_question.main([*arguments, "plans_outgrown", "active_custmers"])
    assert capsys.readouterr().out == ""


def test_questions_are_listed_without_a_lake(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_question.main([]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(saved_questions())
    assert told[0].split() == ["active_customers", "How", "many", "customers", "are", "active", "on", "each", "day?"]


def test_views_need_a_catalogue(arguments: list[str]) -> None:
    with pytest.raises(NoCatalogueError, match="ask_question"):
        create_views.main(arguments)
