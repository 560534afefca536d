"""What the tables of a lake allow to be learned."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.churn.data import Sources, check_leavers, labels_until
from telflow.churn.export import check_scratch, scratch_folder
from telflow.customers.daily import DaysHeld
from telflow.errors import SettingsError, TrainingDataError
from telflow.settings import load_settings
from telflow.tables import CHURN_EVENTS
from tests.churn.rows import subscribers_frame

FIRST, LAST = date(2024, 1, 1), date(2024, 3, 31)
CHURN = load_settings().churn


def sources(spark: SparkSession, left: dict[str, date], known: list[str]) -> Sources:
    events = spark.createDataFrame([(name, day, None) for name, day in left.items()], CHURN_EVENTS.schema)
    nothing = spark.range(0)
    return Sources(nothing, subscribers_frame(spark, known), events, nothing, {}, DaysHeld(FIRST, LAST))


def test_labels_are_known_up_to_the_last_end_delivered_or_as_the_setting_says(spark: SparkSession) -> None:
    found = sources(spark, {"a": date(2024, 2, 1), "b": date(2024, 3, 1)}, ["a", "b"])
    assert labels_until(found, CHURN) == date(2024, 3, 1)
    told = CHURN.model_copy(update={"events_until": "2024-03-20"})
    assert labels_until(found, told) == date(2024, 3, 20)
    late = sources(spark, {"a": date(2024, 5, 1)}, ["a"])
    assert labels_until(late, CHURN) == LAST, "no further than the days that were seen"
    with pytest.raises(TrainingDataError, match="churn_events holds nobody"):
        labels_until(sources(spark, {}, ["a"]), CHURN)


@pytest.mark.parametrize(("known", "is_refused"), [(10, False), (9, False), (8, True), (0, True)])
def test_leavers_who_are_no_subscribers_are_told(spark: SparkSession, known: int, *, is_refused: bool) -> None:
    left = {f"c{number}": date(2024, 2, 1) for number in range(10)}
    found = sources(spark, {**left, "long gone": date(2023, 1, 1)}, list(left)[:known])
    if not is_refused:
        check_leavers(found, FIRST)
        return
    with pytest.raises(TrainingDataError, match=f"{10 - known} of 10 customers who left since 2024-01-01 are not in"):
        check_leavers(found, FIRST)


def test_a_cluster_needs_a_folder_that_all_of_it_sees() -> None:
    check_scratch(load_settings("local"))
    check_scratch(load_settings("prod"))
    with pytest.raises(SettingsError, match="is null, but Spark runs on a cluster"):
        check_scratch(load_settings("prod", ["churn.scratch=null"]))
    with pytest.raises(SettingsError, match="is no path"):
        load_settings("prod", ["churn.scratch=s3://bucket/scratch"])


def test_what_was_written_into_the_scratch_folder_is_gone_afterwards(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with scratch_folder(str(scratch)) as folder:
        Path(folder).mkdir()
        assert Path(folder).parent.parent == scratch
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("name", ["Monthly.Charges", "fold", "Label", "customer", "as_of", "rawPrediction"])
def test_names_that_the_pipeline_needs_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be learned from under this name"):
        load_settings(overrides=[f"churn.own_table.numeric=[{name}]"])
