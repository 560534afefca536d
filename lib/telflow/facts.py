"""What has to hold of a lake in every run, whatever the settings say by then."""

from pyspark.sql import functions as F

from telflow.lake import Lake
from telflow.settings import Settings
from telflow.tables import LAKE_FACTS

LONGEST_FLOW = "longest_flow_seconds"


def lake_facts(lake: Lake) -> dict[str, str]:
    """Every fact by its name, as it was stated last."""
    rows = lake.read_or_empty(LAKE_FACTS).orderBy("stated_at").collect()
    return {row.fact: row.value for row in rows}


def state_fact(lake: Lake, fact: str, value: str) -> None:
    """State that ``fact`` holds from now on."""
    row = lake.spark.createDataFrame([(fact, value)], "fact string, value string")
    lake.append(LAKE_FACTS, row.withColumn("stated_at", F.current_timestamp()))


def longest_flow_seconds(lake: Lake, settings: Settings) -> int:
    """How long a flow of the lake can last: the longest that was ever accepted, though the setting be lower now."""
    return max(settings.ingest.max_duration_seconds, int(lake_facts(lake).get(LONGEST_FLOW, 0)))
