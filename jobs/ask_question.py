"""Job: ask the lake saved questions by their names, and print the answers. Without a name it lists the questions."""

import argparse
from collections.abc import Sequence

from telflow.analysts.saved import SavedQuery, find_question, saved_questions
from telflow.analysts.views import check_tables, is_synthetic, register
from telflow.cli import Job, job_parser, open_job, run_script


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if not arguments.questions:
        print("\n".join(f"{question.name:{width()}}  {question.answers}" for question in saved_questions()))
        return 0
    asked = [find_question(name) for name in arguments.questions]
    job = open_job(arguments)
    for question in asked:
        ask(job, question, arguments.rows)
    return 0


def parser() -> argparse.ArgumentParser:
    made = job_parser(__doc__)
    made.add_argument("questions", nargs="*", help="names of questions, such as traffic_by_category")
    made.add_argument("--rows", type=int, default=50, help="rows of an answer to print at most (default: 50)")
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
    print("\n".join(f"{column}: {meaning}" for column, meaning in question.columns.items()), end="\n\n")


if __name__ == "__main__":
    run_script(main)
