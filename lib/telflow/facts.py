"""What has to hold of a lake in every run, whatever the settings say by then."""

from collections.abc import Mapping

from pyspark.sql import functions as F

from telflow.lake import Lake
from telflow.settings import Settings
from telflow.tables import LAKE_FACTS, TRUTH_CUSTOMERS

LONGEST_FLOW = "longest_flow_seconds"
RECORDS = "records"


def lake_facts(lake: Lake) -> dict[str, str]:
    """Every fact by its name, as it was stated last."""
    rows = lake.read_or_empty(LAKE_FACTS).orderBy("stated_at").collect()
    return {row.fact: row.value for row in rows}


def state_fact(lake: Lake, fact: str, value: str) -> None:
    """State that ``fact`` holds from now on."""
    row = lake.spark.createDataFrame([(fact, value)], "fact string, value string")
    lake.append(LAKE_FACTS, row.withColumn("stated_at", F.current_timestamp()))


def records_held(lake: Lake, facts: Mapping[str, str]) -> str | None:
    """What the records of ``lake`` are by its ``facts``: synthetic, own, or None where it has none yet.

    A lake that says nothing but holds a simulation's truth is synthetic.
    """
    return facts.get(RECORDS) or ("synthetic" if lake.exists(TRUTH_CUSTOMERS) else None)


def longest_flow_seconds(lake: Lake, settings: Settings) -> int:
    """How long a flow of the lake can last: the longest that was ever accepted, though the setting be lower now."""
    return max(settings.ingest.max_duration_seconds, int(lake_facts(lake).get(LONGEST_FLOW, 0)))
