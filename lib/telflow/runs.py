"""One run at a time writes into a lake.

A run begins with a commit under the number after the last run's, which Delta lets through once (the transaction
identifiers of its protocol). So of two runs that begin at the same moment only one does, in a folder and in a catalogue
alike, and no other machinery is needed. A run that died without a word is told to be dead where it ran on this machine.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

from delta.exceptions import (
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
    ProtocolChangedException,
)
from pyspark.sql import DataFrame, Row

from telflow.errors import LakeBusyError
from telflow.lake import Lake
from telflow.processes import is_running, this_machine, this_process
from telflow.tables import RUN_LOCK

RUNNING, ENDED = "running", "ended"


@contextmanager
def sole_run(lake: Lake, job: str, *, take_over: bool = False) -> Iterator[None]:
    """Keep other runs off ``lake`` while the block runs.

    Args:
        lake: what is written into.
        job: what the run is called where another one is told of it.
        take_over: begin although a run seems to be at work: somebody knows that it died.

    Raises:
        LakeBusyError: another run is at work.
    """
    ticket = uuid4().hex
    number = begin_run(lake, job, ticket, take_over=take_over)
    try:
        yield
    finally:
        # a run that was taken over leaves the later run's row alone
        lake.replace(RUN_LOCK, run_row(lake, number, ENDED, job, ticket), f"run <= {number}")


def begin_run(lake: Lake, job: str, ticket: str, *, take_over: bool = False) -> int:
    """Number of this run, which is at work from now on.

    Raises:
        LakeBusyError: see ``sole_run``.
    """
    try:
        lake.create(RUN_LOCK)
    except (ConcurrentWriteException, MetadataChangedException, ProtocolChangedException):
        raise LakeBusyError(busy(lake, None)) from None
    last = last_run(lake)
    if last is not None and is_at_work(last) and not take_over:
        raise LakeBusyError(busy(lake, last))
    number = 1 if last is None else last.run + 1
    with suppress(ConcurrentTransactionException):  # two began at once: the table tells which was first
        lake.append_once(RUN_LOCK, run_row(lake, number, RUNNING, job, ticket), RUN_LOCK.name, number)
    first = last_run(lake)
    if first is None or first.ticket != ticket:
        raise LakeBusyError(busy(lake, first or last))
    return number


def run_row(lake: Lake, number: int, state: str, job: str, ticket: str) -> DataFrame:
    """A row of RUN_LOCK that tells of this process."""
    row = (number, state, job, getpass.getuser(), this_machine(), this_process(), ticket, datetime.now(UTC))
    return lake.spark.createDataFrame([row], RUN_LOCK.schema).coalesce(1)


def last_run(lake: Lake) -> Row | None:
    """The run that began last."""
    return max(lake.read(RUN_LOCK).collect(), key=lambda row: int(row.run), default=None)


def is_at_work(run: Row) -> bool:
    """Whether a run may still be writing: it has not ended, and is not seen to be dead."""
    is_here = run.host == this_machine()
    return bool(run.state == RUNNING and not (is_here and not is_running(run.process)))


def busy(lake: Lake, run: Row | None) -> str:
    """What to tell of a run that is at work."""
    if run is None:
        return f"{lake.root}: another run began at the same moment: run this again when it has ended"
    return (
        f"{lake.root}: another run is at work since {run['at']:%Y-%m-%d %H:%M:%S} UTC ({run.job} of {run.owner} on "
        f"{run.host}, process {run.process.partition('/')[0]}): wait until it has ended; if it died, run this again "
        "with --take-over"
    )
