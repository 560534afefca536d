"""The package's command, ``telflow JOB ARGUMENTS``: the scripts of jobs/, where nothing but the package is there."""

import ast
import difflib
import sys
from collections.abc import Mapping
from importlib import import_module, resources
from typing import Final

from telflow.cli import OURS, run_job

COMMAND: Final = "telflow"
JOBS: Final = "telflow.jobs"  # the package that jobs/ is installed as


def main() -> int:
    """Run a script of jobs/ by its name, as the command line says; its exit status."""
    name, *arguments = sys.argv[1:] or ["--help"]
    jobs = known_jobs()
    if name in {"-h", "--help"}:
        sys.stdout.write(usage(jobs))
        return 0
    if name not in jobs:
        [near] = difflib.get_close_matches(name, jobs, n=1, cutoff=0)
        sys.stderr.write(f"error: telflow {name} is not known: did you mean {near}? telflow --help lists all jobs\n")
        return OURS
    sys.argv = [f"{COMMAND} {name}", *arguments]
    return run_job(import_module(f"{JOBS}.{name}").main)


def known_jobs() -> dict[str, str]:
    """Scripts of jobs/ by their names, sorted, with what each says of itself in a line; none of them is imported."""
    scripts = sorted(resources.files(JOBS).iterdir(), key=lambda file: file.name)
    told = {
        file.name.removesuffix(".py"): ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        for file in scripts
        if file.name.endswith(".py") and not file.name.startswith("_")
    }
    return {name: (said or "").partition("\n")[0].removeprefix("Job: ") for name, said in told.items()}


def usage(jobs: Mapping[str, str]) -> str:
    """What ``telflow --help`` answers."""
    width = max(map(len, jobs))
    listed = "\n".join(f"  {name:{width}}  {said}" for name, said in jobs.items())
    return (
        f"usage: {COMMAND} JOB [ARGUMENTS]\n\n{listed}\n\n"
        f"{COMMAND} JOB --help tells of its arguments; what names jobs/JOB.py means {COMMAND} JOB here.\n"
    )
