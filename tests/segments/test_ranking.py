"""The floor first, then stability, then silhouette."""

import pytest

from telflow.segments.ranking import Metrics, best, standing

FLOOR, STABLE = 0.03, 0.9


def placed(*each: Metrics) -> int | None:
    return best([standing(metrics, FLOOR, STABLE) for metrics in each])


def metrics(smallest_share: float, bootstrap_ari: float, silhouette: float | None) -> Metrics:
    return {"smallest_share": smallest_share, "bootstrap_ari": bootstrap_ari, "common_silhouette": silhouette}


def test_the_trap_of_raw_bytes_is_refused_though_it_has_the_best_of_everything_else() -> None:
    trap = metrics(0.01, 1.0, 0.96)
    assert placed(trap, metrics(0.1, 0.91, 0.5)) == 1
    assert placed(trap) is None
    assert standing(trap, FLOOR, STABLE).reason == "refused: the smallest segment holds 1.00%, the floor is 3.00%"


def test_stable_goes_before_a_greater_silhouette_and_among_stable_ones_the_silhouette_decides() -> None:
    assert placed(metrics(0.1, 0.899, 0.9), metrics(0.1, 0.9, 0.2)) == 1
    assert placed(metrics(0.1, 0.99, 0.4), metrics(0.1, 0.91, 0.5)) == 1


def test_among_those_that_are_not_stable_the_steadier_goes_before_a_greater_silhouette() -> None:
    assert placed(metrics(0.1, 0.2, 0.5), metrics(0.1, 0.89, 0.4)) == 1
    assert placed(metrics(0.1, 0.5, 0.4), metrics(0.1, 0.5, 0.5)) == 1


@pytest.mark.parametrize(("share", "passes"), [(0.03, True), (0.0299, False)])
def test_the_floor_itself_is_enough(share: float, *, passes: bool) -> None:
    assert standing(metrics(share, 1.0, 0.5), FLOOR, STABLE).passes is passes


def test_one_segment_for_all_is_refused() -> None:
    assert not standing(metrics(1.0, 1.0, None), FLOOR, STABLE).passes


def test_of_equals_the_first_wins() -> None:
    assert placed(metrics(0.1, 1.0, 0.5), metrics(0.1, 1.0, 0.5)) == 0
