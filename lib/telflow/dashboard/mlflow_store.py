"""Questions to MLflow. Importing this takes seconds, so ``telflow.dashboard.models`` does it with the first of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from telflow.dashboard.models import Bin, Run, Served, no_champion
from telflow.errors import TrackingError
from telflow.settings import MlflowSettings
from telflow.tracking import (
    CALIBRATION_ARTIFACT,
    CENTRES_ARTIFACT,
    champion_version,
    load_version,
    model_name,
    open_tracking,
    raw_model,
)

MOST_RUNS: Final = 200
CHURN: Final = "churn"


def read_runs(settings: MlflowSettings, target: str) -> tuple[Run, ...]:
    """Runs of the experiment of ``target``, the newest first; none where there is no experiment."""
    with answering():
        client = MlflowClient(tracking_uri=settings.tracking_uri)
        experiment = client.get_experiment_by_name(f"{settings.experiment_prefix}-{target}")
        found = [] if experiment is None else client.search_runs([experiment.experiment_id], max_results=MOST_RUNS)
    return tuple(
        Run(
            run_id=run.info.run_id,
            key=run.info.run_id[:8],
            name=run.info.run_name or run.info.run_id[:8],
            started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
            status=str(run.info.status).lower(),
            parameters=dict(run.data.params),
            metrics=dict(run.data.metrics),
        )
        for run in found
    )


def read_churn(settings: MlflowSettings, known: Served | None) -> Served:
    """The churn model in use; ``known`` where it still is that.

    Raises:
        ModelMissingError: there is none, or it cannot be loaded.
    """
    with answering():
        open_tracking(settings)
        name = model_name(settings, CHURN)
        version = champion_version(name)
        if version is None:
            raise no_champion()
        if known is not None and known.version == version:
            return known
        loaded, _ = load_version(name, version)
        client = MlflowClient()
        run_id = client.get_model_version(name, version).run_id or ""
        metrics = dict(client.get_run(run_id).data.metrics) if run_id else {}
    bins = tuple(Bin(**row) for row in logged_rows(client, run_id, CALIBRATION_ARTIFACT))
    return Served(raw_model(loaded), name, version, metrics, bins)


def read_centres(settings: MlflowSettings, name: str, version: str) -> list[dict[str, object]]:
    """Profiles of the segments of a registered model, a row each; none where its run logged none."""
    with answering():
        open_tracking(settings)
        client = MlflowClient()
    try:
        run_id = client.get_model_version(name, version).run_id or ""
    except MlflowException:  # the table tells of a model that this store does not know
        return []
    return logged_rows(client, run_id, CENTRES_ARTIFACT)


def logged_rows(client: MlflowClient, run_id: str, name: str) -> list[dict[str, Any]]:
    """Rows of a table that a run logged by ``mlflow.log_table``; none where it logged no such table."""
    content = artefact(client, run_id, name)
    if content is None:
        return []
    table = json.loads(content)
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def artefact(client: MlflowClient, run_id: str, name: str) -> bytes | None:
    """Content of a file that a run logged, None where it logged no such file."""
    if not run_id:
        return None
    with TemporaryDirectory() as folder:
        try:
            return Path(client.download_artifacts(run_id, name, folder)).read_bytes()
        except (MlflowException, OSError):
            return None


@contextmanager
def answering() -> Iterator[None]:
    """What is asked inside may go unanswered.

    Raises:
        TrackingError: MLflow does not answer.
    """
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        told = str(error).splitlines()[0]
        raise TrackingError(f"MLflow does not answer ({told}): see mlflow.tracking_uri in the settings.") from None
