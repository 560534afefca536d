"""Answers to saved questions as tables of pandas, for notebooks."""

import pandas as pd

from telflow.analysts.saved import find_question
from telflow.analysts.views import check_tables, is_synthetic, register
from telflow.cli import Job


def answer(job: Job, name: str) -> pd.DataFrame:
    """Answer to the saved question ``name``; its columns mean what ``jobs/ask_question.py`` prints below it.

    Raises:
        UnknownNameError: no question has that name; it names the nearest.
        TableMissingError: it reads what nothing has written yet.
    """
    question = find_question(name)
    check_tables(job.lake, question)
    register(job.lake, job.settings.network.zone, question)
    found: pd.DataFrame = job.spark.sql(question.sql).toPandas()
    return found


def newest(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows of ``table`` of the last value of ``column``, such as a month."""
    rows: pd.DataFrame = table[table[column] == table[column].max()]
    return rows


def title(job: Job, name: str) -> str:
    """The question ``name`` in words, for a picture of its answer; synthetic records are called so."""
    told = find_question(name).answers
    return f"{told} (synthetic records)" if is_synthetic(job.lake) else told
