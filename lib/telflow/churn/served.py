"""The churn model as it is served: plain files, no Spark, with its reasons.

``model.json`` has the columns, medians, words and the threshold, ``forest.npz`` the trees. MLflow loads it by
``_load_pyfunc``; what it answers is told at ``ChurnModel.predict``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from telflow.churn.columns import Column, Columns
from telflow.churn.forest import Floats, Forest
from telflow.errors import ModelInputError

MODEL_FILE: Final = "model.json"
FOREST_FILE: Final = "forest.npz"
BECAUSE: Final = "because_"


@dataclass(frozen=True)
class ChurnModel:
    """A forest with everything it needs to answer for rows of its table.

    Attributes:
        columns: columns of the table.
        medians: what stands in for a missing number, by column.
        words: the words known, by column; any other, or none, is none of them.
        threshold: lowest probability at which a customer is at risk.
        forest: the trees.
        facts: what the features were made with and the label was about: ``history_days``, ``label_days``, and
            ``labels_until``, the last day that a label of the training looked at.
    """

    columns: Columns
    medians: Mapping[str, float]
    words: Mapping[str, tuple[str, ...]]
    threshold: float
    forest: Forest
    facts: Mapping[str, int | str] = field(default_factory=dict)

    def encode(self, rows: pd.DataFrame) -> Floats:
        """``rows`` as the matrix that the trees test.

        Raises:
            ModelInputError: a column is missing.
        """
        missing = [name for name in self.columns.names if name not in rows]
        if missing:
            raise ModelInputError(
                f"the churn model needs column {', '.join(missing)}: the rows have {', '.join(map(str, rows))}"
            )
        parts = [rows[name].to_numpy(dtype=np.float64, na_value=np.nan)[:, None] for name in self.columns.numeric]
        filled = [
            np.where(np.isnan(part), self.medians[name], part)
            for name, part in zip(self.columns.numeric, parts, strict=True)
        ]
        return np.concatenate([*filled, *[self.one_hot(rows[name], name) for name in self.columns.categorical]], axis=1)

    def one_hot(self, values: "pd.Series[Any]", name: str) -> Floats:
        """A column for each known word, 1.0 where it is the value's; none for a word not known, or missing."""
        known = pd.Index(self.words[name])
        place = known.get_indexer(pd.Index(values.astype(object)))
        return np.eye(len(known) + 1)[place, :-1]

    def probability(self, rows: pd.DataFrame) -> Floats:
        """Probability of each row to leave."""
        return self.forest.probability(self.encode(rows))

    def contributions(self, rows: pd.DataFrame) -> Floats:
        """What each column adds to each row's probability, in the order of ``columns.names``."""
        return self.forest.contributions(self.encode(rows))

    def predict(self, rows: pd.DataFrame, _params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The answer to each row.

        Returns:
            ``probability`` (double), ``is_at_risk`` (boolean, at or above the threshold), ``base`` (double, the mean
            customer's) and ``because_<column>`` (double): base and all of these sum to the probability.
        """
        encoded = self.encode(rows)
        probability = self.forest.probability(encoded)
        answer = {"probability": probability, "is_at_risk": probability >= self.threshold, "base": self.forest.base}
        because = pd.DataFrame(
            self.forest.contributions(encoded), columns=[f"{BECAUSE}{name}" for name in self.columns.names]
        )
        return pd.concat([pd.DataFrame(answer, index=because.index), because], axis=1).set_index(rows.index)

    def reasons(self, rows: pd.DataFrame, most: int) -> list[list[dict[str, Any]]]:
        """The ``most`` columns that move each row's probability most, the strongest first.

        Returns:
            For each row a list of ``feature``, ``contribution`` (to the probability) and ``reason`` in words.
        """
        names = self.columns.names
        contributions = self.contributions(rows)
        strongest = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
        values = rows[list(names)].astype(object).where(rows[list(names)].notna(), None).to_numpy()
        return [
            [
                {
                    "feature": names[place],
                    "contribution": float(contributions[row, place]),
                    "reason": self.columns.column(names[place]).tell(values[row, place]),
                }
                for place in places
            ]
            for row, places in enumerate(strongest)
        ]

    def example(self) -> pd.DataFrame:
        """Rows nobody has: one with the training's medians and commonest words, and one of which nothing is known."""
        typical = {**self.medians, **{name: known[0] if known else None for name, known in self.words.items()}}
        unknown = {**dict.fromkeys(self.medians, np.nan), **dict.fromkeys(self.words)}
        return pd.DataFrame([typical, unknown], columns=list(self.columns.names))

    def get_raw_model(self) -> "ChurnModel":
        """What MLflow's wrapper hands out."""
        return self

    def save(self, folder: Path) -> None:
        """Write the files into ``folder``."""
        told = {
            "numeric": self.columns.numeric,
            "categorical": self.columns.categorical,
            "told": {name: asdict(self.columns.column(name)) for name in self.columns.names},
            "medians": self.medians,
            "words": self.words,
            "threshold": self.threshold,
            "facts": self.facts,
        }
        (folder / MODEL_FILE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        arrays = {each.name: getattr(self.forest, each.name) for each in fields(Forest)}
        np.savez_compressed(folder / FOREST_FILE, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "ChurnModel":
        """The model that ``save`` wrote, ready to answer: what reasons are computed from is made now."""
        told = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        columns = Columns(
            tuple(told["numeric"]),
            tuple(told["categorical"]),
            {name: Column(**known) for name, known in told["told"].items()},
        )
        with np.load(folder / FOREST_FILE, allow_pickle=False) as arrays:
            forest = Forest(**{each.name: arrays[each.name] for each in fields(Forest)})
        words = {name: tuple(known) for name, known in told["words"].items()}
        model = cls(columns, told["medians"], words, told["threshold"], forest, told["facts"])
        model.predict(model.example().head(1))
        return model


def _load_pyfunc(path: str) -> ChurnModel:
    """MLflow's way in."""
    return ChurnModel.load(Path(path))
