"""Job: ask the lake one of the saved questions, and print the answer. Without a name it lists the questions."""

import argparse
import sys
from collections.abc import Sequence

from telflow.analysts.saved import SavedQuery, find_question, saved_questions
from telflow.analysts.views import check_tables, is_synthetic, register
from telflow.cli import Job, job_parser, open_job, run_job


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if arguments.question is None:
        print("\n".join(f"{question.name:{width()}}  {question.answers}" for question in saved_questions()))
        return 0
    question = find_question(arguments.question)
    ask(open_job(arguments), question, arguments.rows)
    return 0


def parser() -> argparse.ArgumentParser:
    made = job_parser(__doc__)
    made.add_argument("question", nargs="?", help="name of the question, such as traffic_by_category")
    made.add_argument("--rows", type=int, default=50, help="rows to print at most (default: 50)")
    return made


def width() -> int:
    """Length of the longest name."""
    return max(len(question.name) for question in saved_questions())


def ask(job: Job, question: SavedQuery, rows: int) -> None:
    """Print what ``question`` asks, its answer, and what its columns mean."""
    check_tables(job.lake, question)
    register(job.lake, job.settings.network.zone, question)
    print(f"{question.answers}{' These records are synthetic.' if is_synthetic(job.lake) else ''}")
    job.spark.sql(question.sql).show(rows, truncate=False)
    print("\n".join(f"{column}: {meaning}" for column, meaning in question.columns.items()))


if __name__ == "__main__":
    sys.exit(run_job(main))
