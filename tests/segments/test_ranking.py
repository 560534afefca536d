"""The floor first, then stability, then silhouette, and of near ones the finer."""

from collections.abc import Sequence

import pytest

from telflow.segments.ranking import Metrics, ranking, standing

FLOOR, STABLE, MARGIN = 0.03, 0.9, 0.02


def placed(*each: Metrics, segments: Sequence[int] = ()) -> int | None:
    """Position of the winner; None where all are refused."""
    numbers = segments or [5] * len(each)
    places = [standing(metrics, number, FLOOR, STABLE) for metrics, number in zip(each, numbers, strict=True)]
    first = ranking(places, MARGIN)[0]
    return first if places[first].passes else None


def metrics(smallest_share: float, bootstrap_ari: float, silhouette: float | None) -> Metrics:
    return {"smallest_share": smallest_share, "bootstrap_ari": bootstrap_ari, "common_silhouette": silhouette}


def test_the_trap_of_raw_bytes_is_refused_though_it_has_the_best_of_everything_else() -> None:
    trap = metrics(0.01, 1.0, 0.96)
    assert placed(trap, metrics(0.1, 0.91, 0.5)) == 1
    assert placed(trap) is None
    assert standing(trap, 5, FLOOR, STABLE).reason == "refused: the smallest segment holds 1.00%, the floor is 3.00%"


def test_stable_goes_before_a_greater_silhouette_and_among_stable_ones_the_silhouette_decides() -> None:
    assert placed(metrics(0.1, 0.899, 0.9), metrics(0.1, 0.9, 0.2)) == 1
    assert placed(metrics(0.1, 0.99, 0.4), metrics(0.1, 0.91, 0.5)) == 1


def test_among_those_that_are_not_stable_the_steadier_goes_before_a_greater_silhouette() -> None:
    assert placed(metrics(0.1, 0.2, 0.5), metrics(0.1, 0.89, 0.4)) == 1
    assert placed(metrics(0.1, 0.5, 0.4), metrics(0.1, 0.5, 0.5)) == 1


@pytest.mark.parametrize(("share", "passes"), [(0.03, True), (0.0299, False)])
def test_the_floor_itself_is_enough(share: float, *, passes: bool) -> None:
    assert standing(metrics(share, 1.0, 0.5), 5, FLOOR, STABLE).passes is passes


def test_one_segment_for_all_is_refused() -> None:
    assert not standing(metrics(1.0, 1.0, None), 1, FLOOR, STABLE).passes


@pytest.mark.parametrize(("silhouette", "winner"), [(0.485, 1), (0.479, 0)])
def test_of_those_within_the_margin_the_finer_goes_first(silhouette: float, winner: int) -> None:
    coarse, fine = metrics(0.1, 0.95, 0.5), metrics(0.1, 0.95, silhouette)
    assert placed(coarse, fine, segments=(5, 6)) == winner
    assert placed(coarse, metrics(0.1, 0.95, 0.49), fine, segments=(5, 5, 6)) == (2 if winner else 0)


def test_what_is_refused_or_not_stable_sets_no_margin() -> None:
    refused, unsteady = metrics(0.01, 1.0, 0.9), metrics(0.1, 0.5, 0.9)
    assert placed(refused, unsteady, metrics(0.1, 0.95, 0.5), metrics(0.1, 0.95, 0.49), segments=(9, 9, 5, 6)) == 3


def test_of_equals_the_first_wins() -> None:
    assert placed(metrics(0.1, 1.0, 0.5), metrics(0.1, 1.0, 0.5)) == 0
