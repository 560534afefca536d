"""Draws repeat, do not depend on what is drawn beside them, and have the shape they claim."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telflow.simulate.draws import choice, generator, integer, normal, uniform


@given(st.integers(0, 2**31), st.integers(0, 10**6), st.integers(1, 50))
def test_a_part_is_drawn_as_the_whole(seed: int, first: int, count: int) -> None:
    whole = uniform(seed, "any", np.arange(first, first + count))
    assert whole[count // 2] == uniform(seed, "any", first + count // 2)[0]
    assert ((whole >= 0) & (whole < 1)).all()


def test_streams_seeds_and_keys_differ() -> None:
    drawn = {
        float(uniform(seed, stream, first, second)[0])
        for seed in (1, 2)
        for stream in ("a", "b")
        for first in (0, 1)
        for second in (0, 1)
    }
    assert len(drawn) == 16


def test_uniform_and_normal_have_their_moments() -> None:
    keys = np.arange(200_000)
    flat, bell = uniform(3, "flat", keys), normal(3, "bell", keys)
    assert abs(flat.mean() - 0.5) < 0.005
    assert abs(flat.var() - 1 / 12) < 0.002
    assert abs(bell.mean()) < 0.01
    assert abs(bell.std() - 1) < 0.01
    assert abs(np.corrcoef(flat[1:], flat[:-1])[0, 1]) < 0.01


def test_integers_stay_within_their_limits_and_reach_them() -> None:
    drawn = integer(1, "dice", 1, 7, np.arange(1000))
    assert sorted(set(drawn.tolist())) == [1, 2, 3, 4, 5, 6]


def test_choice_follows_its_weights_and_never_takes_a_weight_of_nothing() -> None:
    drawn = np.bincount(choice(1, "weights", [1, 0, 3], np.arange(40_000)), minlength=3) / 40_000
    assert drawn[1] == 0
    assert abs(drawn[2] - 0.75) < 0.01


def test_a_generator_belongs_to_its_unit() -> None:
    assert generator(1, "flows", 3, 0).random() == generator(1, "flows", 3, 0).random()
    assert generator(1, "flows", 3, 0).random() != generator(1, "flows", 3, 1).random()
    assert generator(1, "flows", 3, 0).random() != generator(1, "noise", 3, 0).random()
