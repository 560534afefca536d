"""Puts the planted truth of a simulation into the lake, under tokens."""

import polars as pl

from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.settings import SimulateSettings
from telflow.simulate.run import truth_tables
from telflow.simulate.truth import with_tokens
from telflow.tables import TRUTH_CUSTOMERS, TRUTH_TABLES


def write_truth(lake: Lake, settings: SimulateSettings, zone: str, tokenizer: Tokenizer) -> dict[str, int]:
    """Put the planted truth into ``lake``, unless it is there already; rows by table name."""
    known = {name: with_tokens(rows, tokenizer) for name, rows in truth_tables(settings, zone).items()}
    if not is_there(lake, known[TRUTH_CUSTOMERS.name]):
        for table in TRUTH_TABLES:
            rows = known[table.name].select(table.columns).to_arrow()
            lake.replace_all(table, lake.spark.createDataFrame(rows))
    return {name: len(rows) for name, rows in known.items()}


def is_there(lake: Lake, truth_customers: pl.DataFrame) -> bool:
    """Whether ``lake`` holds all truth tables, those of the same customers."""
    if not all(lake.exists(table) for table in TRUTH_TABLES):
        return False
    columns = TRUTH_CUSTOMERS.columns
    stored = pl.DataFrame(lake.read(TRUTH_CUSTOMERS).toArrow()).select(columns)
    return stored.sort("customer").equals(truth_customers.select(columns).sort("customer"))
