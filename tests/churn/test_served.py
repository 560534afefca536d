"""The served model: files and back, missing and unknown values, reasons in words, no Spark."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from telflow.churn.columns import Columns
from telflow.churn.forest import LEAF
from telflow.churn.served import ChurnModel, _load_pyfunc
from telflow.errors import ModelInputError
from tests.benchmarks.served_churn import answer_times
from tests.churn.forests import random_forest, small_model

ROWS = pd.DataFrame(
    {"use": [1.0, np.nan, -2.0], "tenure": [0.0, 3.0, -1.0], "contract": ["month", None, "never seen"]}, index=[7, 8, 9]
)


def test_missing_numbers_are_the_median_and_an_unknown_word_is_none_of_the_known() -> None:
    assert small_model().encode(ROWS).tolist() == [[1, 0, 1, 0], [0.5, 3, 0, 0], [-2, -1, 0, 0]]


def test_the_files_give_the_same_model(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path)
    loaded = _load_pyfunc(str(tmp_path))
    pd.testing.assert_frame_equal(loaded.predict(ROWS), model.predict(ROWS))
    assert loaded.reasons(ROWS, 3) == model.reasons(ROWS, 3)


def test_the_answer_adds_up_row_by_row() -> None:
    model = small_model()
    answer = model.predict(ROWS)
    because = answer[["because_use", "because_tenure", "because_contract"]].sum(axis=1)
    assert (answer["base"] + because).to_list() == pytest.approx(answer["probability"].to_list(), abs=1e-12)
    assert answer["is_at_risk"].tolist() == (answer["probability"] >= model.threshold).tolist()
    assert answer.index.tolist() == [7, 8, 9]


def test_reasons_come_strongest_first_in_words() -> None:
    model = small_model()
    (first, second, _) = model.reasons(ROWS, 2)
    assert len(first) == 2
    assert abs(first[0]["contribution"]) >= abs(first[1]["contribution"])
    told = {reason["feature"]: reason["reason"] for reason in [*second, *model.reasons(ROWS, 3)[1]]}
    assert told == {"use": "use: not known", "tenure": "tenure: 3", "contract": "contract: not known"}


def test_the_example_is_nobodys_row_and_can_be_answered() -> None:
    example = small_model().example()
    assert example.iloc[0].tolist() == [0.5, -0.5, "month"]
    assert example.iloc[1].isna().all()
    assert small_model().probability(example)[0] > 0


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ModelInputError, match="needs column tenure"):
        small_model().predict(ROWS.drop(columns="tenure"))


@pytest.mark.parametrize(("depth", "leaves"), [(8, 25_600), (10, 102_400)])
def test_a_customer_is_answered_with_reasons_in_under_200_ms_the_first_time_too(
    tmp_path: Path, depth: int, leaves: int
) -> None:
    """Of a hundred trees whose every branch is as deep as can be: eight splits, as settings stand, and more."""
    columns = Columns(tuple(f"c{number}" for number in range(20)), ())
    forest = random_forest(1, list(range(20)), trees=100, depth=depth, branching=1.0)
    assert np.count_nonzero(forest.feature == LEAF) == leaves
    made = ChurnModel(columns, dict.fromkeys(columns.names, 0.0), {}, 0.4, forest)
    made.save(tmp_path)
    model = _load_pyfunc(str(tmp_path))
    rows = made.example().astype(float)
    first = answer_times(model, rows, 3, repeats=1)["worst"]
    assert first < 0.2
    assert answer_times(model, rows, 3, repeats=20)["median"] < 0.1


def test_it_answers_where_there_is_no_spark(tmp_path: Path) -> None:
    small_model().save(tmp_path)
    script = (
        "import sys; sys.modules['pyspark'] = None; import pandas as pd; from telflow.churn.served import _load_pyfunc;"
        "rows = pd.DataFrame({'use': [1.0], 'tenure': [0.0], 'contract': ['month']});"
        f"print(repr(float(_load_pyfunc({str(tmp_path)!r}).predict(rows)['probability'][0])))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert float(told) == ChurnModel.load(tmp_path).probability(ROWS)[0]
