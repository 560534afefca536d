"""A segment model as plain numbers: evens features out, standardises, rotates, and finds the nearest centre.

It needs numpy alone, so that it answers in a web process, in a notebook and in Spark's workers alike.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from telflow.errors import ModelInputError
from telflow.scales import Scale

MODEL_FILE: Final = "segments.json"
LEAST_VARIANCE: Final = 1e-6  # of a mixture along any direction: in one without variance nothing could be far away

FARTHEST: Final = 1e100  # in standard deviations: the squares of what is farther are infinite

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Preparation:
    """How features become the space in which distances are taken.

    Attributes:
        features: names of the columns, in order.
        scales: of each, as in docs/features.md; all ``plain`` where nothing is evened out.
        means: of each evened-out feature, taken off.
        deviations: of each, divided by.
        rotation: principal axes as rows, of standardised features; None to keep these as they are.
    """

    features: tuple[str, ...]
    scales: tuple[Scale, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    rotation: tuple[tuple[float, ...], ...] | None = None

    def standardised(self, values: Floats) -> Floats:
        """Evened out and standardised ``values``, (n, features).

        Raises:
            ModelInputError: a value has no logarithm or root, or is so far out that distances to it are no numbers.
        """
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            even = np.stack([evened(values[:, at], scale) for at, scale in enumerate(self.scales)], axis=1)
            standard = np.asarray((even - np.asarray(self.means)) / np.asarray(self.deviations))
        outside = ~(np.abs(standard) < FARTHEST)
        if outside.any():
            row, at = np.argwhere(outside)[0]
            raise ModelInputError(
                f"row {row}, column {self.features[at]}: {values[row, at]:g} is out of range, its scale is "
                f"{self.scales[at]}: give it in the unit of docs/features.md"
            )
        return standard

    def __call__(self, values: Floats) -> Floats:
        """``values`` (n, features) in the space of the model."""
        standard = self.standardised(values)
        return standard if self.rotation is None else np.asarray(standard @ np.asarray(self.rotation).T)


@dataclass(frozen=True)
class Centres:
    """Clusters in the space of a preparation.

    Attributes:
        algorithm: kmeans, bisecting_kmeans or gaussian_mixture.
        points: centre of each, (k, dimensions).
        weights: share of each component of a Gaussian mixture; None for the others.
        covariances: of each component, (k, dimensions, dimensions); None for the others.
    """

    algorithm: str
    points: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...] | None = None
    covariances: tuple[tuple[tuple[float, ...], ...], ...] | None = None

    def nearest(self, prepared: Floats) -> tuple[Integers, Floats]:
        """Number of each row's cluster, and its distance to that centre.

        The nearest centre by Euclidean distance; of a Gaussian mixture the likeliest component and the Mahalanobis
        distance. Likelihoods are compared as logarithms: far from all centres, where Spark's own densities vanish and
        its answer is the first component, the answer here is still the likeliest. And no direction has less variance
        than LEAST_VARIANCE: Spark passes one over that has none, where it should tell the most.
        """
        offsets = prepared[:, None, :] - np.asarray(self.points)[None, :, :]
        if self.weights is None or self.covariances is None:
            distances = np.sqrt((offsets**2).sum(axis=2))
            number = distances.argmin(axis=1)
        else:
            variances, axes = np.linalg.eigh(np.asarray(self.covariances))
            variances = np.maximum(variances, LEAST_VARIANCE)
            squares = (np.einsum("nki,kij->nkj", offsets, axes) ** 2 / variances).sum(axis=2)
            number = (np.log(np.asarray(self.weights)) - np.log(variances).sum(axis=1) / 2 - squares / 2).argmax(axis=1)
            distances = np.sqrt(squares)
        return number.astype(np.int64), distances[np.arange(len(prepared)), number]


@dataclass(frozen=True)
class SegmentModel:
    """Preparation, centres, and the names of the segments.

    Attributes:
        preparation: how features become the space of the centres.
        centres: the clusters.
        names: of the clusters, from the profile of their centres.
        feature_window_days: days the features look back.
        active_day_bytes: of a day that counts as active.
        min_active_days: customers with fewer active days are not told of.
    """

    preparation: Preparation
    centres: Centres
    names: tuple[str, ...]
    feature_window_days: int
    active_day_bytes: int
    min_active_days: int

    def assign(self, values: Floats) -> tuple[Integers, Floats]:
        """Number and distance of the nearest centre of each row of features, (n, features)."""
        return self.centres.nearest(self.preparation(values))

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Answer of the served model.

        Args:
            frame: the columns ``features``, in natural units and in any order; others are passed over.

        Returns:
            ``segment`` (name), ``segment_number`` and ``distance`` (in the space of the model), with the index of
            ``frame``.

        Raises:
            ModelInputError: a feature is missing, or a value of one is, or is out of range.
        """
        values = feature_values(frame, self.preparation.features)
        number, distance = self.assign(values)
        return pd.DataFrame(
            {"segment": np.asarray(self.names, dtype=object)[number], "segment_number": number, "distance": distance},
            index=frame.index,
        )

    def to_json(self) -> str:
        """The model as JSON; floats are written so that they read back the same."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "SegmentModel":
        """The model that ``to_json`` wrote."""
        told = frozen(json.loads(text))
        return cls(
            **{
                **told,
                "preparation": Preparation(**told["preparation"]),
                "centres": Centres(**told["centres"]),
            }
        )


def evened(values: Floats, scale: Scale) -> Floats:
    """``values`` of one feature, evened out."""
    if scale == "plain":
        return values
    return np.asarray(np.log1p(values) if scale == "log" else np.sqrt(values))


def feature_values(frame: pd.DataFrame, features: Sequence[str]) -> Floats:
    """Columns ``features`` of ``frame`` as numbers, (n, features)."""
    missing = [name for name in features if name not in frame.columns]
    if missing:
        raise ModelInputError(f"the segment model needs the features {', '.join(missing)}: give a column of each")
    values = frame.loc[:, list(features)].to_numpy(dtype=np.float64)
    unknown = ~np.isfinite(values)
    if unknown.any():
        row, at = np.argwhere(unknown)[0]
        raise ModelInputError(f"row {row}, column {features[at]}: no number; customer_features leaves none out")
    return values


def frozen(value: Any) -> Any:
    """``value`` with tuples for its lists, all the way down."""
    if isinstance(value, Mapping):
        return {key: frozen(below) for key, below in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


class ServedSegments:
    """What MLflow loads: ``predict`` for it, ``get_raw_model`` for us."""

    def __init__(self, model: SegmentModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, _params: dict[str, Any] | None = None) -> pd.DataFrame:
        return self.model.predict(frame)

    def get_raw_model(self) -> SegmentModel:
        return self.model


def write_model(model: SegmentModel, folder: Path) -> None:
    """Put ``model`` as one JSON file into ``folder``."""
    (folder / MODEL_FILE).write_text(model.to_json(), encoding="utf-8")


def _load_pyfunc(path: str) -> ServedSegments:
    """The model in folder ``path``; MLflow calls it by this name."""
    return ServedSegments(SegmentModel.from_json((Path(path) / MODEL_FILE).read_text(encoding="utf-8")))
