"""What MLflow tells the pages: runs, their files, and the churn model in use. Asked again when a time is over.

MLflow itself is imported with the first question, for it takes seconds; a process that serves asks ahead.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, cast

from telflow.errors import ModelMissingError, TelflowError
from telflow.settings import MlflowSettings

if TYPE_CHECKING:
    from telflow.churn.served import ChurnModel

SECONDS: Final = 30.0  # a run that ends is seen after so long at the latest
TRAINERS: Final = {"segments": "jobs/train_segments.py", "churn": "jobs/train_churn.py"}
SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class Run:
    """A run of a job that trains.

    Attributes:
        key: first letters of its identifier, which tell it from the others.
        started: when, UTC.
    """

    run_id: str
    key: str
    name: str
    started: datetime
    status: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Bin:
    """A group of rows held out, by ascending probability.

    Attributes:
        predicted: mean probability to leave.
        observed: share that left.
        rows: how many there are.
        observed_low, observed_high: 95 % limits of the share; None in a run that logged none.
    """

    predicted: float
    observed: float
    rows: int
    observed_low: float | None = None
    observed_high: float | None = None


@dataclass(frozen=True)
class Served:
    """The champion, with what its run tells of it.

    Attributes:
        metrics: of its run, by name.
        bins: its calibration; none where its run logged none.
    """

    model: "ChurnModel"
    name: str
    version: str
    metrics: Mapping[str, float]
    bins: tuple[Bin, ...]


class Tracked:
    """The tracking store of the settings, each answer, or that there is none, kept for a time.

    Args:
        settings: where it is and how its experiments and models are named.
        seconds: how long an answer is kept.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, settings: MlflowSettings, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[str, tuple[float, object]] = {}
        self._served: Served | None = None
        self._lock = Lock()

    def runs(self, target: str) -> tuple[Run, ...]:
        """Runs of the experiment of ``target``, the newest first; none where there is no experiment.

        Raises:
            TrackingError: MLflow does not answer.
        """
        found = self._timed(f"runs of {target}", lambda store: store.read_runs(self._settings, target), ())
        return cast(tuple[Run, ...], found)

    def churn(self) -> Served:
        """The churn model in use, loaded once a version.

        Raises:
            ModelMissingError: there is none yet, or it cannot be loaded; it names the job that makes one.
            TrackingError: MLflow does not answer.
        """
        found = self._timed("churn", lambda store: store.read_churn(self._settings, self._served), no_champion())
        self._served = cast(Served, found)
        return self._served

    def centres(self, name: str, version: str) -> list[dict[str, object]]:
        """Profiles of the segments of a registered model, a row each, as its run logged them; none where none are.

        Raises:
            TrackingError: MLflow does not answer.
        """
        question = f"centres of {name} {version}"
        found = self._timed(question, lambda store: store.read_centres(self._settings, name, version), [])
        return cast(list[dict[str, object]], found)

    def stamp(self, target: str) -> str:
        """What changes when anything of ``target`` in the store does, as far as it was asked again."""
        try:
            runs = [(run.run_id, run.status, len(run.metrics)) for run in self.runs(target)]
            version = self.churn().version if target == "churn" else ""
        except TelflowError as error:
            return str(error)
        return f"{version} {hash(tuple(runs))}"

    def _timed(self, question: str, ask: Callable[[Any], object], absent: object) -> object:
        """The answer to ``question``, or ``absent`` where there is no store; an error is an answer and is raised."""
        with self._lock:  # the store is asked by one thread at a time
            kept = self._kept.get(question)
            if kept is None or self._clock() - kept[0] >= self._seconds:
                answer = self._answer(ask) if self._is_there() else absent
                kept = self._kept[question] = (self._clock(), answer)
        if isinstance(kept[1], TelflowError):
            raise kept[1]
        return kept[1]

    @staticmethod
    def _answer(ask: Callable[[Any], object]) -> object:
        try:
            return ask(import_module("telflow.dashboard.mlflow_store"))
        except TelflowError as error:
            return error

    def _is_there(self) -> bool:
        """Whether there is a store to ask: MLflow would make a database where there is none."""
        address = self._settings.tracking_uri
        return not address.startswith(SQLITE) or Path(address.removeprefix(SQLITE)).is_file()


def no_champion() -> ModelMissingError:
    """What to say where no churn model was registered."""
    return ModelMissingError(f"No churn model is registered yet: run {TRAINERS['churn']}, which trains one.")


@cache
def tracked(settings: MlflowSettings) -> Tracked:
    """The one store of a process under ``settings``."""
    return Tracked(settings)


def warm_models(settings: MlflowSettings) -> Thread:
    """Ask for what the pages will in a thread, so that no visitor waits for MLflow to be imported."""

    def ask() -> None:
        for target in TRAINERS:
            tracked(settings).stamp(target)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    return thread
