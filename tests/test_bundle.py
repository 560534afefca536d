"""The Databricks bundle without a workspace: what it names is there, and what it is given is understood."""

import argparse
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from databricks.bundles.jobs import Job

from telflow.settings import load_settings

BUNDLE = yaml.safe_load(Path("databricks.yml").read_text(encoding="utf-8"))
JOB_FILES = sorted(Path("jobs").glob("*.job.yml"))
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
SECRET = re.compile(r"dapi[0-9a-f]{8,}|[0-9a-fA-F]{32,}|password\s*:|token\s*:|secret\s*:\s*\S", re.IGNORECASE)


def defaults() -> dict[str, Any]:
    return {f"var.{name}": about["default"] for name, about in BUNDLE["variables"].items()}


def resolved(value: Any, target: str = "development") -> Any:
    """``value`` with the variables of ``target`` in their places; other references stay."""
    if isinstance(value, dict):
        return {key: resolved(part, target) for key, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, target) for part in value]
    if not isinstance(value, str):
        return value
    own = {f"var.{name}": given for name, given in BUNDLE["targets"][target].get("variables", {}).items()}
    known = {**defaults(), **own}
    whole = REFERENCE.fullmatch(value)
    if whole and whole[1] in known:
        return known[whole[1]]
    return REFERENCE.sub(lambda found: str(known.get(found[1], found[0])), value)


def jobs(target: str = "development") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in JOB_FILES:
        for key, job in yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]["jobs"].items():
            assert key not in found, f"two jobs are called {key}"
            found[key] = resolved(job, target)
    return found


def tasks(target: str = "development") -> Iterator[dict[str, Any]]:
    for job in jobs(target).values():
        yield from job["tasks"]


def test_every_file_is_included_and_every_job_is_one_of_databricks() -> None:
    assert BUNDLE["include"] == ["jobs/*.job.yml"]
    assert {file.name.removesuffix(".job.yml") for file in JOB_FILES} == {"daily", "segments", "churn", "maintenance"}
    for key, job in jobs().items():
        made = Job.from_dict(job)  # it refuses fields and values that Databricks does not know
        assert made.as_dict()["name"] == job["name"], key


def test_a_field_that_databricks_does_not_know_is_refused() -> None:
    misspelt: Any = {**jobs()["daily"], "max_concurent_runs": 1}
    with pytest.raises(ValueError, match="max_concurent_runs"):
        Job.from_dict(misspelt)


@pytest.mark.parametrize("key", sorted(jobs()))
def test_tasks_are_unique_and_their_order_resolves(key: str) -> None:
    listed = jobs()[key]["tasks"]
    keys = [task["task_key"] for task in listed]
    assert len(keys) == len(set(keys))
    needs = {task["task_key"]: [need["task_key"] for need in task.get("depends_on", [])] for task in listed}
    assert {need for found in needs.values() for need in found} <= set(keys)
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError
    # one run at a time writes into a lake: no two tasks may be at work side by side
    assert all(before in ancestors(needs, after) for before, after in pairwise(order))


def ancestors(needs: dict[str, list[str]], key: str) -> set[str]:
    return {found for need in needs[key] for found in {need, *ancestors(needs, need)}}


@pytest.mark.parametrize("target", sorted(BUNDLE["targets"]))
def test_scripts_are_there_and_understand_their_arguments(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[argparse.Namespace] = []

    class UnderstoodError(Exception):
        """The script has read its arguments."""

    def stop(arguments: argparse.Namespace) -> None:
        understood.append(arguments)
        raise UnderstoodError

    names = set()
    for task in tasks(target):
        script = Path(task["spark_python_task"]["python_file"].removeprefix("${workspace.file_path}/"))
        assert script.is_file()
        module = import_module(f"jobs.{script.stem}")
        monkeypatch.setattr(module, "open_job", stop)
        with pytest.raises(UnderstoodError):
            module.main(task["spark_python_task"]["parameters"])
        names.add(script.stem)
    environments = {arguments.env for arguments in understood}
    assert len(environments) == 1
    settings = load_settings(environments.pop())
    assert settings.lake.in_catalog
    assert settings.ingest.input == f"/Volumes/{settings.lake.root.replace('.', '/')}/raw"
    assert {"ingest_flows", "train_segments", "train_churn", "maintain_tables"} <= names


def test_every_task_has_the_wheel_a_cluster_and_retries() -> None:
    built = Path(BUNDLE["artifacts"]["telflow"]["path"]) / "dist"
    for job in jobs().values():
        clusters = {cluster["job_cluster_key"] for cluster in job["job_clusters"]}
        for task in job["tasks"]:
            assert task["job_cluster_key"] in clusters
            assert task["max_retries"] > 0
            wheels = [Path("jobs") / library["whl"] for library in task["libraries"]]
            assert [wheel.parent.resolve() for wheel in wheels] == [built.resolve()]


def test_jobs_never_overlap_themselves_and_keep_the_providers_time() -> None:
    for job in jobs().values():
        assert job["max_concurrent_runs"] == 1
        assert ZoneInfo(job["schedule"]["timezone_id"]).key == load_settings("dev").network.zone
        assert job["email_notifications"]["on_failure"] == BUNDLE["variables"]["notify"]["default"]
        assert job["tags"]["project"] == "telflow"


def test_targets_know_who_runs_them_and_where() -> None:
    targets = BUNDLE["targets"]
    assert [name for name, target in targets.items() if target.get("default")] == ["development"]
    roots = [target["workspace"]["root_path"] for target in targets.values()]
    assert len(set(roots)) == len(roots)
    for name in ("staging", "production"):
        assert targets[name]["mode"] == "production"
        assert targets[name]["run_as"] == {"service_principal_name": "${var.run_as}"}
        assert targets[name]["permissions"]


def test_every_reference_is_to_something_described() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (Path("databricks.yml"), *JOB_FILES)]
    used = {name for text in texts for name in REFERENCE.findall(text)}
    assert {name for name in used if name.startswith("var.")} == set(defaults())
    assert {name for name in used if not name.startswith("var.")} == {"workspace.file_path"}
    assert all(about["description"] for about in BUNDLE["variables"].values())


def test_no_secret_stands_in_it() -> None:
    for file in (Path("databricks.yml"), *JOB_FILES):
        assert not SECRET.search(file.read_text(encoding="utf-8")), file
    assert SECRET.search("token: dapi0123456789abcdef")
