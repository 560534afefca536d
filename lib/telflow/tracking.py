"""The one place that sets MLflow up: where runs are tracked, where their files lie, which version is the champion.

Locally, runs are in a SQLite file and their files below ``mlruns``, beside each other in the folder the job runs in,
with no absolute path in either (see ``telflow.relative_artifacts``). One stands in the database all the same: that of
MLflow's own experiment Default, which it makes by itself and nothing here uses.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported: nothing is told to anybody
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import pandas as pd
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc import PyFuncModel
from mlflow.tracking import MlflowClient

from telflow.errors import ModelInputError, ModelMissingError, TrackingError
from telflow.relative_artifacts import SCHEME
from telflow.settings import MlflowSettings
from telflow.tables import Table

if TYPE_CHECKING:  # the dashboard tracks nothing but asks, and has no Spark
    from telflow.lake import Lake

CHAMPION: Final = "champion"
FOLDER: Final = "mlruns"
CENTRES_ARTIFACT: Final = "centres.json"  # tables that runs log and the dashboard reads
CALIBRATION_ARTIFACT: Final = "calibration_bins.json"
NOISY: Final = ("mlflow", "alembic")
ABSENT: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model; a model without the alias


class SourceTable(MetaDataset):
    """A table as the input of a run: where it is and in which version, nothing of what it holds."""

    @property
    def profile(self) -> None:
        """None: rows are not looked at."""
        return


@dataclass(frozen=True)
class Contest:
    """A challenger beside the champion, both measured on the same rows.

    Attributes:
        metric: what was measured; more is better.
        challenger: value of the new version.
        champion: value of the version that holds the alias; None where none does, or it cannot be measured.
        margin: by how much the challenger has to be better.
        obstacle: why the challenger does not win whatever the values: the champion cannot be measured beside it, or it
            is not fit to be one. Empty where nothing stands in its way.
    """

    metric: str
    challenger: float
    champion: float | None
    margin: float
    obstacle: str = ""

    @property
    def is_won(self) -> bool:
        """Whether the alias moves."""
        if self.obstacle:
            return False
        return self.champion is None or self.challenger >= self.champion + self.margin

    @property
    def reason(self) -> str:
        """Why it moves, or does not, in words."""
        told = f"{self.metric} {self.challenger:.4f}"
        if self.obstacle:
            return f"{told}: {self.obstacle}"
        if self.champion is None:
            return f"{told}: no champion to compare with"
        verdict = "better" if self.is_won else "not better"
        return f"{told}: {verdict} than the champion's {self.champion:.4f} by the margin of {self.margin:g}"


def open_tracking(settings: MlflowSettings) -> None:
    """Let this process track its runs where the settings say, without MLflow's chatter."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(settings.tracking_uri)


def open_experiment(settings: MlflowSettings, target: str) -> str:
    """Id of the experiment ``<prefix>-<target>``, made where it is missing; runs that start now belong to it."""
    open_tracking(settings)
    name = f"{settings.experiment_prefix}-{target}"
    if mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, artifact_location=artifact_location(settings.tracking_uri, target))
    return str(mlflow.set_experiment(name).experiment_id)


def artifact_location(tracking_uri: str, target: str) -> str | None:
    """Where files of an experiment's runs go: below ``mlruns`` for a local database, else as the server has it."""
    return f"{SCHEME}:{FOLDER}/{target}" if tracking_uri.startswith("sqlite:") else None


def model_name(settings: MlflowSettings, target: str) -> str:
    """Name of the registered model of ``target``."""
    return f"{settings.model_prefix}{target}"


def log_source(lake: "Lake", *tables: Table, read: Mapping[str, int] | None = None) -> dict[str, int]:
    """Log each table with its Delta version as an input of the active run; once, on the parent. Versions by name.

    ``read`` tells the version of a table by name where another than the newest was read.
    """
    known = read or {}
    versions = {table.name: known[table.name] if table.name in known else lake.version(table) for table in tables}
    for table in tables:
        place = lake.location(table)
        source = (
            DeltaDatasetSource(delta_table_name=place, delta_table_version=versions[table.name])
            if lake.in_catalog
            else DeltaDatasetSource(path=relative_path(place), delta_table_version=versions[table.name])
        )
        dataset = SourceTable(source, name=table.name, digest=f"version-{versions[table.name]}")
        mlflow.log_input(dataset, context="training")
    mlflow.set_tags({f"source_{name}_version": str(version) for name, version in versions.items()})
    return versions


def relative_path(place: str) -> str:
    """``place`` seen from the folder the job runs in, where it lies below it."""
    path, here = Path(place), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else place


def log_plain_model(
    folder: Path, modules: Sequence[str], example: pd.DataFrame, answer: pd.DataFrame, name: str | None = None
) -> str | None:
    """Log a model that is plain files in ``folder``, with the code that reads them: no pickle, no package to install.

    Args:
        folder: the files.
        modules: dotted names of the modules that the model needs; ``_load_pyfunc(path)`` of the first reads the files.
        example: a few rows of input; with ``answer`` they give the signature.
        answer: what the model answers to ``example``.
        name: to register a version under; None to log only.

    Returns:
        The version, None where it was not registered.
    """
    with tempfile.TemporaryDirectory() as code:
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module=modules[0],
            data_path=str(folder),
            code_paths=copied_code(modules, Path(code)),
            signature=infer_signature(example, answer),
            input_example=example,
            pip_requirements=[f"mlflow=={mlflow.__version__}", "numpy", "pandas"],
        )
    return None if name is None else register(name, logged)


def copied_code(modules: Iterable[str], folder: Path) -> list[str]:
    """Put the source of ``modules``, and of the packages around them, into ``folder``; the packages' places."""
    packages = {name.rsplit(".", depth)[0] for name in modules for depth in range(1, name.count(".") + 1)}
    for name in {*modules, *packages}:
        found = find_spec(name)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(f"{name} has no source to log with the model")
        place = folder / name.replace(".", "/")
        target = place / "__init__.py" if name in packages else place.with_suffix(".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found.origin, target)
    return sorted(str(path) for path in folder.iterdir())


def register(name: str, logged: ModelInfo) -> str:
    """Register a logged model under ``name``; its version."""
    client = MlflowClient()
    with suppress(MlflowException):  # there already
        client.create_registered_model(name)
    return str(client.create_model_version(name, logged.model_uri, logged.run_id, model_id=logged.model_id).version)


def champion_version(name: str) -> str | None:
    """Version of model ``name`` that holds the alias champion, None where there is none.

    Raises:
        TrackingError: MLflow does not answer; that is no absence.
    """
    try:
        return str(MlflowClient().get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise TrackingError(
            f"MLflow does not tell which version of {name} is the champion: {error.message}; nothing was changed, "
            "run it again once MLflow answers"
        ) from error


def load_version(name: str, version: str | None = None) -> tuple[PyFuncModel, str]:
    """A registered model and its version: the one asked for, else the champion.

    Raises:
        ModelMissingError: there is no such version, or no champion.
    """
    chosen = version or champion_version(name)
    if chosen is None:
        raise ModelMissingError(f"model {name} has no champion yet: run the job that trains it first")
    try:
        return mlflow.pyfunc.load_model(f"models:/{name}/{chosen}"), chosen
    except MlflowException as error:
        raise ModelMissingError(f"model {name} has no version {chosen} that can be loaded: {error.message}") from None


def raw_model(model: PyFuncModel) -> Any:
    """What ``get_raw_model()`` of the object that ``_load_pyfunc`` returned gives."""
    return cast(Any, model).get_raw_model()


def check_columns(model: str, needed: Iterable[str], known: Iterable[str]) -> None:
    """Refuse rows that lack a column which ``model`` looks at.

    Raises:
        ModelInputError: names the model and the columns.
    """
    there = set(known)
    missing = [name for name in needed if name not in there]
    if missing:
        raise ModelInputError(
            f"{model} looks at {', '.join(missing)}, which is told of nobody any more: train it again, "
            "or name another version"
        )


def settle(name: str, version: str, contest: Contest, *, promote: bool = False) -> bool:
    """Move the alias champion to ``version`` if it won, or is to be promoted; the reason becomes a tag. True if so."""
    client = MlflowClient()
    is_champion = contest.is_won or promote
    values = {
        "contest_metric": contest.metric,
        "contest_margin": f"{contest.margin:g}",
        "contest_reason": contest.reason if contest.is_won or not promote else f"{contest.reason}; promoted by hand",
        "contest_result": "champion" if is_champion else "not champion",
    }
    for key, value in values.items():
        client.set_model_version_tag(name, version, key, value)
        mlflow.set_tag(key, value)
    if is_champion:
        client.set_registered_model_alias(name, CHAMPION, version)
    return is_champion


def log_values(metrics: dict[str, float | None]) -> None:
    """Log the metrics that have a value; one that cannot be told is left out, since MLflow takes numbers alone."""
    mlflow.log_metrics({name: float(value) for name, value in metrics.items() if value is not None})


def runs_of(experiment_id: str, where: str = "", order_by: Sequence[str] = ()) -> pd.DataFrame:
    """Runs of an experiment, a row each, as ``mlflow.search_runs`` has them."""
    return mlflow.search_runs([experiment_id], filter_string=where, order_by=list(order_by))
