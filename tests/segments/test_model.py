"""The served model: plain numbers, the same after writing and reading, and no Spark near it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal

from telflow.errors import ModelInputError
from telflow.segments.model import (
    Centres,
    Preparation,
    SegmentModel,
    ServedSegments,
    _load_pyfunc,
    write_model,
)

PREPARATION = Preparation(
    features=("volume", "share", "days"),
    scales=("log", "root", "plain"),
    means=(10.0, 0.5, 14.0),
    deviations=(2.0, 0.25, 7.0),
    rotation=((0.6, 0.8, 0.0), (0.0, 0.0, 1.0)),
)
MODEL = SegmentModel(
    preparation=PREPARATION,
    centres=Centres("kmeans", ((0.0, 0.0), (3.0, 0.1))),
    names=("light web", "heavy gaming"),
    feature_window_days=28,
    active_day_bytes=10_000,
    min_active_days=4,
)
FRAME = pd.DataFrame(
    {"days": [14.0, 28.0], "share": [0.25, 1.0], "volume": [np.expm1(10.0), np.expm1(14.0)]}, ["a", "b"]
)
POINTS = hnp.arrays(np.float64, (7, 2), elements=st.floats(-50, 50))


def test_answers_follow_by_hand() -> None:
    told = MODEL.predict(FRAME)
    # b: volume (14 - 10) / 2 = 2, share (1 - .5) / .25 = 2, days 2: on the axes 1.2 + 1.6 = 2.8 and 2
    assert told["segment"].to_dict() == {"a": "light web", "b": "heavy gaming"}
    assert told["segment_number"].to_list() == [0, 1]
    assert told["distance"].to_list() == pytest.approx([0.0, np.hypot(0.2, 1.9)])


def test_a_model_reads_back_as_it_was_written(tmp_path: Path) -> None:
    write_model(MODEL, tmp_path)
    served = _load_pyfunc(str(tmp_path))
    assert isinstance(served, ServedSegments)
    assert served.get_raw_model() == MODEL
    pd.testing.assert_frame_equal(served.predict(FRAME), MODEL.predict(FRAME))


def test_a_missing_feature_is_named() -> None:
    with pytest.raises(ModelInputError, match="needs the features share"):
        MODEL.predict(FRAME.drop(columns="share"))


def test_a_missing_value_is_named_with_its_row() -> None:
    with pytest.raises(ModelInputError, match="row 1, column share: no number"):
        MODEL.predict(FRAME.assign(share=[0.5, np.nan]))


@pytest.mark.parametrize(
    ("column", "value", "scale"),
    [("volume", -1.5, "log"), ("volume", -1.0, "log"), ("share", -0.01, "root"), ("days", 1e200, "plain")],
)
def test_a_number_out_of_range_is_named_and_not_answered(column: str, value: float, scale: str) -> None:
    frame = FRAME.assign(**{column: [FRAME[column].iloc[0], value]})
    told = f"row 1, column {column}: {value:g} is out of range, its scale is {scale}"
    with pytest.raises(ModelInputError, match=re.escape(told)):
        MODEL.predict(frame)
    assert MODEL.predict(FRAME.assign(volume=-0.9, share=0.0, days=-1e6))["distance"].notna().all()


@given(POINTS, hnp.arrays(np.float64, (3, 2), elements=st.floats(-50, 50)))
def test_the_nearest_centre_is_the_nearest(points: np.ndarray, centres: np.ndarray) -> None:
    number, distance = Centres("kmeans", tuple(map(tuple, centres.tolist()))).nearest(points)
    expected = cdist(points, centres)
    assert distance == pytest.approx(expected.min(axis=1), abs=1e-9)
    assert expected[np.arange(len(points)), number] == pytest.approx(expected.min(axis=1), abs=1e-9)


@given(POINTS)
def test_of_a_mixture_the_likeliest_component_answers_however_far_away(points: np.ndarray) -> None:
    means, weights = ((0.0, 0.0), (4.0, 4.0)), (0.7, 0.3)
    covariances = (((1.0, 0.3), (0.3, 2.0)), ((0.5, 0.0), (0.0, 0.5)))
    number, distance = Centres("gaussian_mixture", means, weights, covariances).nearest(points)
    logs = np.stack(
        [np.log(weights[k]) + multivariate_normal.logpdf(points, means[k], covariances[k]) for k in range(2)], axis=1
    )
    assert logs[np.arange(len(points)), number] == pytest.approx(logs.max(axis=1), abs=1e-6)
    first = np.array([np.sqrt(point @ np.linalg.inv(covariances[0]) @ point) for point in points])
    assert distance[number == 0] == pytest.approx(first[number == 0], abs=1e-6)


MIXTURE = ((0.0, 0.0), (3.0, 0.0)), (0.5, 0.5)


@given(st.floats(-2, 5))
def test_a_direction_without_variance_in_all_components_says_nothing(x: float) -> None:
    flat = Centres("gaussian_mixture", *MIXTURE, (((1.0, 0.0), (0.0, 0.0)),) * 2)
    number, distance = flat.nearest(np.array([[x, 0.0]]))
    assert number[0] == (x > 1.5) or x == 1.5
    assert distance[0] == pytest.approx(min(abs(x), abs(x - 3.0)))


def test_a_direction_without_variance_in_one_component_keeps_others_out_of_it() -> None:
    one_flat = Centres("gaussian_mixture", *MIXTURE, (((1.0, 0.0), (0.0, 0.0)), ((1.0, 0.0), (0.0, 1.0))))
    number, _ = one_flat.nearest(np.array([[0.0, 0.0], [0.0, 0.5], [1.0, 2.0], [2.9, 0.0]]))
    assert number.tolist() == [0, 1, 1, 0], "who is exactly where one component is flat belongs to it"


def test_it_needs_no_spark() -> None:
    code = "import sys, telflow.segments.model; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
