"""The one place that sets MLflow up: where runs are tracked, where their files lie, which version is the champion.

Locally, runs are in a SQLite file and their files below ``mlruns``, beside each other in the folder the job runs in,
with no absolute path in either (see ``telflow.relative_artifacts``). One stands in the database all the same: that of
MLflow's own experiment Default, which it makes by itself and nothing here uses.
"""

import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from zipfile import BadZipFile

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported: nothing is told to anybody
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import pandas as pd
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import RunData
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc import PyFuncModel
from mlflow.tracking import MlflowClient

from telflow.errors import ModelInputError, ModelMissingError, TrackingError
from telflow.relative_artifacts import SCHEME
from telflow.settings import MlflowSettings, Section
from telflow.tables import Table

if TYPE_CHECKING:  # the dashboard tracks nothing but asks, and has no Spark
    from telflow.lake import Lake

CHAMPION: Final = "champion"
FOLDER: Final = "mlruns"
CENTRES_ARTIFACT: Final = "centres.json"  # tables that runs log and the dashboard reads
CALIBRATION_ARTIFACT: Final = "calibration_bins.json"
NOISY: Final = ("mlflow", "alembic")
SOURCE_TAG: Final = re.compile(r"source_(\w+)_version")
UNREADABLE: Final = (MlflowException, OSError, ImportError, ValueError, KeyError, TypeError, BadZipFile)  # model files
ABSENT: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model, version or run; no alias


S = TypeVar("S", bound=Section)


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
        remark: more about its value, in words.
    """

    metric: str
    challenger: float
    champion: float | None
    margin: float
    obstacle: str = ""
    remark: str = ""

    @property
    def is_won(self) -> bool:
        """Whether the alias moves."""
        if self.obstacle:
            return False
        return self.champion is None or self.challenger >= self.champion + self.margin

    @property
    def reason(self) -> str:
        """Why it moves, or does not, in words."""
        told = f"{self.metric} {self.challenger:.4f}" + (f" ({self.remark})" if self.remark else "")
        if self.obstacle:
            return f"{told}: {self.obstacle}"
        if self.champion is None:
            return f"{told}: no champion to compare with"
        verdict = "better" if self.is_won else "not better"
        return f"{told}: {verdict} than the champion's {self.champion:.4f} by the margin of {self.margin:g}"


def open_tracking(settings: MlflowSettings) -> None:
    """Let this process track its runs and register its models where the settings say, without MLflow's chatter."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(settings.tracking_uri)
    if settings.registry_uri is not None:
        mlflow.set_registry_uri(settings.registry_uri)


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
    folder: Path, modules: Sequence[str], example: pd.DataFrame, answer: pd.DataFrame, name: str
) -> str:
    """Log a model that is plain files in ``folder``, with the code that reads them: no pickle, no package to install.

    Args:
        folder: the files.
        modules: dotted names of the modules that the model needs; ``_load_pyfunc(path)`` of the first reads the files.
        example: a few rows of input; with ``answer`` they give the signature.
        answer: what the model answers to ``example``.
        name: to register a version under.

    Returns:
        The version.
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
    return register(name, logged)


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


def champion_or_raise(name: str) -> str:
    """Version of the champion.

    Raises:
        ModelMissingError: there is none.
    """
    version = champion_version(name)
    if version is None:
        raise ModelMissingError(
            f"model {name} has no champion yet: run the job that trains it first, with --promote where it has run and "
            "found none fit to be one; or name a version, by --model-version N (compare_segments.py: --left N)"
        )
    return version


def load_version(name: str, version: str | None = None) -> tuple[PyFuncModel, str]:
    """A registered model and its version: the one asked for, else the champion.

    Raises:
        ModelMissingError: there is no such version, no champion, or its files cannot be read.
        TrackingError: MLflow does not answer.
    """
    chosen = version or champion_or_raise(name)
    place = artifact_place(name, chosen)
    try:
        return mlflow.pyfunc.load_model(f"models:/{name}/{chosen}"), chosen
    except UNREADABLE as error:
        is_local = place.startswith(SCHEME)
        remedy = f"run it from the folder that holds {FOLDER}" if is_local else "see that they can be read"
        raise ModelMissingError(
            f"model {name} version {chosen} cannot be loaded from {place} ({type(error).__name__}: {error}): {remedy}"
        ) from None


def artifact_place(name: str, version: str) -> str:
    """Where the files of a registered version lie.

    Raises:
        ModelMissingError: there is no such version.
        TrackingError: MLflow does not answer.
    """
    client = MlflowClient()
    try:
        found = client.get_model_version(name, version)
    except MlflowException as error:
        if error.error_code in ABSENT:
            raise ModelMissingError(f"model {name} has no version {version}: {error.message}") from None
        raise TrackingError(
            f"MLflow does not tell of version {version} of {name}: {error.message}; run it again once MLflow answers"
        ) from error
    try:
        model_id = found.model_id or str(found.source).removeprefix("models:/")
        return str(client.get_logged_model(model_id).artifact_location)
    except MlflowException:  # registered by other means than ours
        return str(found.source)


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


def as_parameters(section: Section, exclude: Iterable[str] = ()) -> dict[str, str]:
    """Values of a section of the settings as parameters of a run, in JSON, so that ``as_logged`` reads them back."""
    return {key: json.dumps(value) for key, value in section.model_dump(exclude=set(exclude)).items()}


def as_logged(section: S, parameters: Mapping[str, str]) -> S:
    """``section`` with the values that a run logged, where it logged one.

    Raises:
        TrackingError: a value cannot be read, or is none that the settings allow.
    """
    own = {key: parameters[key] for key in type(section).model_fields if key in parameters}
    try:
        told = {key: json.loads(value) for key, value in own.items()}
        return type(section).model_validate({**section.model_dump(), **told})
    except ValueError as error:
        raise TrackingError(f"the parameters that the run logged are none of these settings: {error}") from None


def run_data(run_id: str) -> RunData:
    """What run ``run_id`` logged.

    Raises:
        ModelMissingError: there is no such run.
        TrackingError: MLflow does not answer.
    """
    try:
        return MlflowClient().get_run(run_id).data
    except MlflowException as error:
        if error.error_code in ABSENT:
            raise ModelMissingError(f"MLflow holds no run {run_id}: {error.message}") from None
        raise TrackingError(
            f"MLflow does not tell of run {run_id}: {error.message}; run it again once MLflow answers"
        ) from error


def run_again(run_id: str) -> str:
    """Obstacle of a contest in which the challenger is an earlier run's model, made once more."""
    return f"run {run_id} again: champion by --promote alone"


def source_versions(data: RunData) -> dict[str, int]:
    """Version of each table that a run read, by name, as ``log_source`` logged them."""
    found = {SOURCE_TAG.fullmatch(tag): value for tag, value in data.tags.items()}
    return {match[1]: int(value) for match, value in found.items() if match is not None}
