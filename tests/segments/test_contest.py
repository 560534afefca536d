"""A sweep's winner beside the champion: what it is measured by, and what keeps it from being measured."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import numpy as np
import pytest
from pyspark.sql import DataFrame

from telflow.errors import ModelMissingError
from telflow.segments import contest as contests
from telflow.segments.fit import Candidate
from telflow.segments.profile import Profiles
from telflow.segments.ranking import ranking, standing
from telflow.segments.sweep import Tried
from telflow.settings import load_settings
from telflow.tracking import Contest
from tests.segments.test_model import MODEL

SETTINGS = load_settings()
NOTHING = cast(DataFrame, None)
MARGIN = 0.02


def sweep(silhouettes: Mapping[int, float]) -> list[Tried]:
    """Stable clusterings by their number of segments, the best first."""
    nobody = Profiles((), (), (), np.empty(0), np.empty(0))
    tried = []
    for k, silhouette in silhouettes.items():
        metrics: dict[str, float | None] = {
            "smallest_share": 0.1,
            "bootstrap_ari": 0.95,
            "common_silhouette": silhouette,
        }
        candidate = Candidate("kmeans", k, "log_standard", seed=1, starts=1, iterations=10)
        tried.append(Tried(candidate, f"run{k}", MODEL, nobody, metrics, standing(metrics, k, 0.03, 0.9)))
    return [tried[at] for at in ranking([each.standing for each in tried], MARGIN)]


@pytest.fixture
def champion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 is the champion."""
    monkeypatch.setattr(contests, "champion_version", lambda _name: "1")
    monkeypatch.setattr(contests, "load_segments", lambda *_given: (MODEL, "1"))
    monkeypatch.setattr(contests, "answers_of", lambda *_given: NOTHING)


def held_contest(tried: list[Tried], held: float, monkeypatch: pytest.MonkeyPatch) -> Contest:
    """The contest of ``tried`` with a champion of silhouette ``held``."""
    measured = iter([tried[0], *sorted(tried, key=lambda each: each.standing.silhouette, reverse=True)])

    def silhouettes(*_given: Any) -> tuple[float, float]:
        return next(measured).standing.silhouette, held

    monkeypatch.setattr(contests, "common_silhouettes", silhouettes)
    return contests.contest_of(NOTHING, NOTHING, date(2024, 1, 1), tried, SETTINGS)


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize(
    ("silhouettes", "held", "winner", "is_won"),
    [
        ({5: 0.585, 8: 0.570}, 0.560, 8, True),  # what the best of them would have won is not lost by the finer one
        ({5: 0.575, 8: 0.570}, 0.560, 8, False),  # none of them is better by the margin
        ({5: 0.585, 8: 0.570}, 0.570, 8, False),  # the champion's own equal moves nothing
        ({5: 0.595, 8: 0.575}, 0.575, 8, False),
        ({5: 0.585, 8: 0.560}, 0.560, 5, True),  # not near: the best wins by itself
        ({5: 0.560, 6: 0.551}, 0.560, 6, False),
        ({3: 0.240, 4: 0.235, 8: 0.221}, 0.200, 8, True),  # a flat curve: the most segments that are stable
    ],
)
def test_a_finer_clustering_is_measured_by_the_best_it_was_preferred_to(
    monkeypatch: pytest.MonkeyPatch, silhouettes: dict[int, float], held: float, winner: int, *, is_won: bool
) -> None:
    tried = sweep(silhouettes)
    assert tried[0].candidate.k == winner
    contest = held_contest(tried, held, monkeypatch)
    assert contest.is_won is is_won
    assert contest.champion == held


@pytest.mark.usefixtures("champion")
def test_the_reason_tells_whose_value_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = held_contest(sweep({5: 0.585, 8: 0.570}), 0.560, monkeypatch).reason
    assert reason.startswith("silhouette 0.5850 (of 5 segments; 8 have 0.5700 and say more): better than")


@pytest.mark.usefixtures("champion")
def test_a_champion_whose_files_are_gone_is_an_obstacle_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_given: object) -> None:
        raise ModelMissingError("version 1 cannot be loaded from telflow:mlruns/segments")

    monkeypatch.setattr(contests, "load_segments", gone)
    contest = contests.contest_of(NOTHING, NOTHING, date(2024, 1, 1), sweep({5: 0.5}), SETTINGS)
    assert not contest.is_won
    assert contest.reason.endswith(
        "not measured beside the champion, version 1: version 1 cannot be loaded from telflow:mlruns/segments; "
        "--promote replaces it all the same"
    )
