"""A table of one's own: blanks are missing, faults are named."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from telflow.churn.own_table import own_columns, read_own_table
from telflow.errors import InputError
from telflow.settings import OwnTableSettings, load_settings

MAPPING = OwnTableSettings(
    customer="id",
    label="gone",
    left="Yes",
    numeric=("months",),
    categorical=("plan",),
    missed_cost=1,
    false_alarm_cost=1,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


def test_blanks_are_missing_values(spark: SparkSession, tmp_path: Path) -> None:
    path = written(tmp_path, "id,gone,months,plan,other\na,Yes,3,basic,x\nb,No, , ,x\nc,no,4.5,plus,x\n")
    rows = {row.customer: (row.label, row.months, row.plan) for row in read_own_table(spark, path, MAPPING).collect()}
    assert rows == {"a": (1, 3.0, "basic"), "b": (0, None, None), "c": (0, 4.5, "plus")}
    assert own_columns(MAPPING).names == ("months", "plan")


def test_parquet_is_read_as_well(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    rows = [("a", "Yes", 3, "basic"), ("b", "No", 4, "plus")]
    spark.createDataFrame(rows, "id string, gone string, months int, plan string").coalesce(1).write.parquet(str(path))
    told = [tuple(row) for row in read_own_table(spark, path, MAPPING).orderBy("customer").collect()]
    assert told == [("a", 1, 3.0, "basic"), ("b", 0, 4.0, "plus")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,gone,plan\na,Yes,basic\n", "column months is missing, the table has id, gone, plan"),
        (
            "id,gone,months,plan\na,Yes,3,x\nb,No,three,x\nc,No,four,x\n",
            "column months: customer b has 'three', which is no number, 2 rows in all",
        ),
        ("id,gone,months,plan\na,,3,basic\n", "column gone: customer a has none, 1 rows in all"),
        ("id,gone,months,plan\n,No,3,basic\n", "column id: a row has none, 1 rows in all"),
        (
            "id,gone,months,plan\na,yes,3,x\nb,no,3,x\nc,no,4,x\n",
            r"column gone holds 'no' \(2 rows\), 'yes' \(1 rows\): churn.own_table.left, 'Yes', has to be the one of",
        ),
        ("id,gone,months,plan\na,Yes,3,x\nb,Yes,3,x\n", r"holds 'Yes' \(2 rows\)"),
        ("id,gone,months,plan\n", "column gone holds nothing"),
        (
            "id,gone,months,plan\na,Yes,3,x\nb,No,Infinity,x\nc,No,-inf,x\nd,No,1e999,x\n",
            "column months: customer b has 'Infinity', which is no number, 3 rows in all",
        ),
        ("id,gone,months,plan,months\na,Yes,3,x,4\n", "column months stands twice in the header"),
        ("id,gone,months,plan,Plan\na,Yes,3,x,y\n", "column plan stands twice in the header"),
        ('id,gone,months,"plan\n' + "a,Yes,3,x\n" * 20_000, "line 1 is no header of a CSV file in UTF-8"),
    ],
)
def test_a_fault_is_named(spark: SparkSession, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_own_table(spark, written(tmp_path, text), MAPPING)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("table.txt", b"id,gone", "table.txt is neither .csv nor .parquet: save it as one of the two"),
        ("table.csv.gz", b"\x1f\x8b", "table.csv.gz is neither .csv nor .parquet"),
        ("table.csv", "id,gone,mön".encode("latin-1"), "table.csv, line 1 is no header of a CSV file in UTF-8"),
        ("table.csv", "id,gone".encode("utf-16"), "table.csv, line 1 is no header of a CSV file in UTF-8"),
        ("table.parquet", b"id,gone,months,plan", "table.parquet cannot be read as a Parquet file: name"),
        ("table.csv/part.csv", b"id,gone,months,plan", "table.csv cannot be read as a folder of Parquet files"),
    ],
)
def test_a_file_of_another_kind_is_named_in_one_line(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    table = tmp_path / Path(name).parts[0]
    with pytest.raises(InputError, match=told) as error:
        read_own_table(spark, table, MAPPING)
    assert "\n" not in str(error.value)
    assert str(table) in str(error.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"numeric": ["months", "gone"]}, "gone stands twice"),
        ({"categorical": ["plan", "Months"]}, "Months, months stands twice"),
        ({"label": "id"}, "id stands twice"),
    ],
)
def test_a_column_has_one_meaning(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        OwnTableSettings.model_validate({**MAPPING.model_dump(), **given})


def test_a_missing_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not there: name the provider's table"):
        read_own_table(spark, tmp_path / "none.csv", MAPPING)


def test_what_is_no_number_at_all_in_parquet_is_missing_and_endless_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = str(tmp_path / "table.parquet")
    ddl = "id string, gone string, months double, plan string"
    rows = [("a", "Yes", float("nan"), "basic"), ("b", "No", 4.0, "plus")]
    spark.createDataFrame(rows, ddl).write.parquet(path)
    assert read_own_table(spark, Path(path), MAPPING).count() == 2
    spark.createDataFrame([("c", "No", float("inf"), "plus")], ddl).write.mode("append").parquet(path)
    with pytest.raises(InputError, match="column months: customer c has 'Infinity', which is no number, 1 rows"):
        read_own_table(spark, Path(path), MAPPING)


def test_the_mapping_that_comes_along_reads_the_public_table(spark: SparkSession, samples: Path) -> None:
    rows = read_own_table(spark, samples / "churn/Telco-Customer-Churn.csv", load_settings().churn.own_table)
    counted = rows.selectExpr("count(*)", "sum(label)", "count_if(TotalCharges IS NULL)", "count_if(tenure IS NULL)")
    assert tuple(counted.collect()[0]) == (7043, 1869, 11, 0)
