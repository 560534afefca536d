"""The Databricks bundle without a workspace: what it names is there, and what it is given is understood."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Collection, Iterator
from email.parser import Parser
from graphlib import TopologicalSorter
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from runpy import run_path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from databricks.bundles.apps import App
from databricks.bundles.dashboards import Dashboard
from databricks.bundles.jobs import Job
from mlflow import environment_variables

from telflow.analysts.reference import spoken
from telflow.dashboard.access import check_access
from telflow.dashboard.serving import environment_settings
from telflow.settings import load_settings
from tests.wheel import copy_sources

BUNDLE = yaml.safe_load(Path("databricks.yml").read_text(encoding="utf-8"))
JOB_FILES = sorted(Path("jobs").glob("*.job.yml"))
APP_FILE = Path("jobs/dashboard.app.yml")
APP_FOLDER = Path("jobs/dashboard_app")
GUIDE = Path("docs/deploy.md").read_text(encoding="utf-8")
FILES = [Path("databricks.yml"), *JOB_FILES, APP_FILE]
TARGETS = sorted(BUNDLE["targets"])
REFERENCE = re.compile(r"\$\{([\w.]+)\}")
SECRET = re.compile(r"dapi[0-9a-f]{8,}|[0-9a-fA-F]{32,}|password\s*:|token\s*:|secret\s*:\s*\S", re.IGNORECASE)
PERMISSIONS = {  # what the CLI makes of a target's level on a resource; none where it leaves the level out
    "CAN_MANAGE": {"jobs": "CAN_MANAGE", "apps": "CAN_MANAGE", "dashboards": "CAN_MANAGE"},
    "CAN_RUN": {"jobs": "CAN_MANAGE_RUN"},
    "CAN_VIEW": {"jobs": "CAN_VIEW", "apps": "CAN_USE", "dashboards": "CAN_READ"},
}
OF_THE_PLATFORM = {  # what Databricks Apps adds to an app's environment, and the value of its resource
    "DATABRICKS_HOST": "https://127.0.0.1:9",
    "DATABRICKS_CLIENT_ID": "client",
    "DATABRICKS_CLIENT_SECRET": "word",
}


def overrides() -> dict[str, Any]:
    """Values that the guide tells to give, as its example has them."""
    [example] = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    found: dict[str, Any] = json.loads(example)
    return found


def variables(target: str) -> dict[str, Any]:
    """Values of ``target``: the example's, over them the target's, below both the defaults."""
    defaults = {name: about["default"] for name, about in BUNDLE["variables"].items() if "default" in about}
    given = {**defaults, **overrides(), **BUNDLE["targets"][target].get("variables", {})}
    return {f"var.{name}": value for name, value in given.items()}


def resolved(value: Any, target: str = "development") -> Any:
    """``value`` with the variables of ``target`` in their places; other references stay."""
    if isinstance(value, dict):
        return {key: resolved(part, target) for key, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, target) for part in value]
    if not isinstance(value, str):
        return value
    known = variables(target)
    whole = REFERENCE.fullmatch(value)
    if whole and whole[1] in known:
        return resolved(known[whole[1]], target)
    return REFERENCE.sub(lambda found: str(known.get(found[1], found[0])), value)


def jobs(target: str = "development") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in JOB_FILES:
        for key, job in yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]["jobs"].items():
            assert key not in found, f"two jobs are called {key}"
            found[key] = resolved(job, target)
    return found


def app(target: str = "development") -> dict[str, Any]:
    [(key, found)] = yaml.safe_load(APP_FILE.read_text(encoding="utf-8"))["resources"]["apps"].items()
    assert key == "dashboard"
    made: dict[str, Any] = resolved(found, target)
    return made


def app_environment(target: str) -> dict[str, str]:
    """Environment of the app's process in ``target``."""
    bound = {resource["name"]: resource["sql_warehouse"]["id"] for resource in app(target)["resources"]}
    own = {
        one["name"]: one["value"] if "value" in one else bound[one["value_from"]]
        for one in app(target)["config"]["env"]
    }
    return {**OF_THE_PLATFORM, **own}


def tasks(target: str = "development") -> Iterator[dict[str, Any]]:
    for job in jobs(target).values():
        yield from job["tasks"]


def commands() -> list[list[str]]:
    """Words of the commands of the guide."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_every_file_is_included_and_every_job_is_one_of_databricks() -> None:
    included = {file for pattern in BUNDLE["include"] for file in Path().glob(pattern)}
    assert included == {*JOB_FILES, APP_FILE}
    assert {file.name.removesuffix(".job.yml") for file in JOB_FILES} == {"daily", "segments", "churn", "maintenance"}
    for target in TARGETS:
        for key, job in jobs(target).items():
            made = Job.from_dict(job)  # it refuses fields and values that Databricks does not know
            assert made.as_dict()["name"] == job["name"], key
        for board in BUNDLE["resources"]["dashboards"].values():
            known: Any = Dashboard.from_dict(resolved(board, target)).as_dict()
            assert Path(known["file_path"]).is_file()


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


def test_jobs_run_when_the_guide_says() -> None:
    found = {key: spoken(job["schedule"]["quartz_cron_expression"]) for key, job in jobs().items()}
    assert found == {
        "daily": "every day at 03:30",
        "segments": "Sundays at 09:00",
        "churn": "on day 1 of each month at 12:00",
        "maintenance": "Sundays at 15:00",
    }
    table = dict(re.findall(r"^\| `(\w+)` \| ([^|]*\d\d:\d\d) \|", GUIDE, re.MULTILINE))
    assert table == {
        "daily": "03:30",
        "segments": "Sunday 09:00",
        "churn": "1st of the month, 12:00",
        "maintenance": "Sunday 15:00",
    }


def test_clusters_grow_as_needed_with_workers_that_may_be_taken_away_and_name_who_pays() -> None:
    for job in jobs().values():
        for cluster in job["job_clusters"]:
            made = cluster["new_cluster"]
            assert made["autoscale"]["min_workers"] < made["autoscale"]["max_workers"]
            assert made["aws_attributes"] == {"first_on_demand": 1, "availability": "SPOT_WITH_FALLBACK"}
            assert made["custom_tags"] == {"project": "telflow", "cost_centre": "network-analytics"}


def test_a_script_that_succeeds_does_not_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databricks takes any exit of a script for a failure of its task."""
    monkeypatch.setattr("telflow.cli.run_job", lambda _: 0)
    for script in {script_of(task) for task in tasks()}:
        run_path(str(script), run_name="__main__")
    monkeypatch.setattr("telflow.cli.run_job", lambda _: 1)
    for script in {script_of(task) for task in tasks()}:
        with pytest.raises(SystemExit, match="1"):
            run_path(str(script), run_name="__main__")


def test_viewers_of_the_board_need_no_rights_on_what_it_asks() -> None:
    assert all(board["embed_credentials"] for board in BUNDLE["resources"]["dashboards"].values())


def done(failing: Collection[str]) -> set[str]:
    """Tasks of the daily run that succeed where ``failing`` fail, by what Databricks says of run_if."""
    rules: dict[str, Callable[[list[bool]], bool]] = {"ALL_SUCCESS": all, "AT_LEAST_ONE_SUCCESS": any}
    rules["ALL_DONE"] = lambda _: True
    succeeded: set[str] = set()
    for task in jobs()["daily"]["tasks"]:
        needs = [need["task_key"] in succeeded for need in task.get("depends_on", [])]
        if task["task_key"] not in failing and rules[task.get("run_if", "ALL_SUCCESS")](needs):
            succeeded.add(task["task_key"])
    return succeeded


def test_what_fails_in_the_daily_run_holds_up_only_what_needs_it() -> None:
    listed = [task["task_key"] for task in jobs()["daily"]["tasks"]]
    assert done([]) == set(listed)
    assert done(["ingest_flows"]) == set(listed) - {"ingest_flows"}
    models = {"assign_segments", "score_churn"}
    assert done(models) == set(listed) - models
    assert done(["find_peak_times"]) == set(listed) - {"find_peak_times"}
    built = ["load_provider", "ingest_flows", "build_windows", "reclassify", "list_traffic"]
    assert done(["roll_up_customers"]) == {*built, "purge_quarantine"}
    assert done(["find_micro_trends"]) == set(listed) - {"find_micro_trends", "recommend_services"}
    for key in listed[:-1]:
        assert "purge_quarantine" in done([key])


def test_failures_are_mailed_by_the_task_where_the_run_would_keep_silent() -> None:
    for job in jobs("production").values():
        assert job["email_notifications"]["on_failure"] == overrides()["notify"]
        may_go_on = any(task.get("run_if", "ALL_SUCCESS") != "ALL_SUCCESS" for task in job["tasks"])
        for task in job["tasks"]:
            mailed = task.get("email_notifications", {}).get("on_failure")
            assert mailed == (overrides()["notify"] if may_go_on else None), task["task_key"]


@pytest.mark.parametrize("target", TARGETS)
def test_scripts_are_there_and_understand_their_arguments(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    understood: list[argparse.Namespace] = []
    names = set()
    for task in tasks(target):
        understood.append(arguments_read(task, task["spark_python_task"]["parameters"], monkeypatch))
        names.add(script_of(task).stem)
    environments = {arguments.env for arguments in understood}
    assert len(environments) == 1
    settings = load_settings(environments.pop())
    assert settings.lake.in_catalog
    assert settings.lake.root == f"{variables(target)['var.catalog']}.telflow"
    assert settings.mlflow.registry_uri == "databricks-uc"
    assert settings.ingest.input == f"/Volumes/{settings.lake.root.replace('.', '/')}/raw"
    assert {"ingest_flows", "train_segments", "train_churn", "maintain_tables"} <= names


def script_of(task: dict[str, Any]) -> Path:
    script = Path(task["spark_python_task"]["python_file"].removeprefix("${workspace.file_path}/"))
    assert script.is_file()
    return script


def arguments_read(task: dict[str, Any], given: list[str], monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """What the script of ``task`` reads of ``given``, by its own parser."""
    understood: list[argparse.Namespace] = []

    class UnderstoodError(Exception):
        """The script has read its arguments."""

    def stop(arguments: argparse.Namespace) -> None:
        understood.append(arguments)
        raise UnderstoodError

    module = import_module(f"jobs.{script_of(task).stem}")
    monkeypatch.setattr(module, "open_job", stop)
    with pytest.raises(UnderstoodError):
        module.main(given)
    return understood[0]


def test_every_task_has_the_wheel_and_a_cluster() -> None:
    built = Path(BUNDLE["artifacts"]["telflow"]["path"]) / "dist"
    for job in jobs().values():
        clusters = {cluster["job_cluster_key"] for cluster in job["job_clusters"]}
        for task in job["tasks"]:
            assert task["job_cluster_key"] in clusters
            wheels = [Path("jobs") / library["whl"] for library in task["libraries"]]
            assert [wheel.parent.resolve() for wheel in wheels] == [built.resolve()]


def test_tasks_are_tried_again_where_that_helps() -> None:
    once = {task["task_key"] for task in jobs()["daily"]["tasks"] if not task["max_retries"]}
    assert once == {"ingest_flows", "assign_segments", "score_churn"}
    for key, job in jobs().items():
        for task in job["tasks"]:
            assert task["max_retries"] == (0 if key == "daily" and task["task_key"] in once else 2)


def test_jobs_never_overlap_themselves_and_keep_the_providers_time() -> None:
    for job in jobs().values():
        assert job["max_concurrent_runs"] == 1
        assert ZoneInfo(job["schedule"]["timezone_id"]).key == load_settings("dev").network.zone
        assert job["tags"]["project"] == "telflow"


def test_targets_know_who_runs_them_and_where() -> None:
    targets = BUNDLE["targets"]
    assert [name for name, target in targets.items() if target.get("default")] == ["development"]
    roots = [target["workspace"]["root_path"] for target in targets.values()]
    assert len(set(roots)) == len(roots)
    for name in ("staging", "production"):
        assert targets[name]["mode"] == "production"
        for job in jobs(name).values():
            assert job["run_as"] == {"service_principal_name": overrides()["run_as"]}
    for job in jobs("development").values():
        assert job["run_as"] == {"user_name": "${workspace.current_user.userName}"}
    # the CLI refuses both beside an app where the deployer is somebody else
    assert "run_as" not in BUNDLE
    assert not [name for name, target in targets.items() if "run_as" in target]


def test_who_may_do_what_is_said_by_the_targets_alone() -> None:
    resources = [*jobs().values(), app(), *BUNDLE["resources"]["dashboards"].values()]
    assert not [one for one in resources if "permissions" in one]  # they would silence the target's for the same group
    assert "permissions" not in BUNDLE["targets"]["development"]
    levels = {
        name: {next(who for key, who in one.items() if key != "level"): one["level"] for one in target["permissions"]}
        for name, target in BUNDLE["targets"].items()
        if name != "development"
    }
    assert levels["production"] == {
        "${var.run_as}": "CAN_MANAGE",
        "${var.operators}": "CAN_RUN",
        "${var.viewers}": "CAN_VIEW",
    }
    assert levels["staging"] == {**levels["production"], "${var.operators}": "CAN_MANAGE"}
    assert PERMISSIONS[levels["production"]["${var.operators}"]] == {"jobs": "CAN_MANAGE_RUN"}
    assert PERMISSIONS[levels["production"]["${var.viewers}"]]["apps"] == "CAN_USE"


def test_the_guide_gives_every_variable_that_has_no_default() -> None:
    required = {name for name, about in BUNDLE["variables"].items() if "default" not in about}
    assert set(overrides()) == required
    assert required - set(BUNDLE["targets"]["development"]["variables"]) == {"warehouse"}
    groups = overrides()["operators"], overrides()["viewers"]
    assert len({*groups, "users"}) == 3  # a group that is named twice has one level


def test_every_reference_is_to_something_described() -> None:
    texts = [file.read_text(encoding="utf-8") for file in FILES]
    used = {name for text in texts for name in REFERENCE.findall(text)}
    described = {f"var.{name}" for name in BUNDLE["variables"]}
    assert {name for name in used if name.startswith("var.")} == described
    assert used - described == {"workspace.file_path", "workspace.current_user.userName"}
    assert all(about["description"] for about in BUNDLE["variables"].values())


def test_no_secret_stands_in_it() -> None:
    boards = [Path(board["file_path"]) for board in BUNDLE["resources"]["dashboards"].values()]
    for file in (*FILES, *boards, APP_FOLDER / "requirements.txt"):
        assert not SECRET.search(file.read_text(encoding="utf-8")), file
    assert SECRET.search("token: dapi0123456789abcdef")


@pytest.mark.parametrize("target", TARGETS)
def test_the_app_is_one_of_databricks_and_its_settings_load(target: str) -> None:
    described: Any = app(target)
    assert App.from_dict(described).as_dict()["name"] == described["name"]
    assert re.fullmatch("[a-z0-9-]{2,30}", app(target)["name"])
    assert (APP_FILE.parent / app(target)["source_code_path"]).resolve() == APP_FOLDER.resolve()
    settings = environment_settings(app_environment(target))
    assert settings.environment == variables(target)["var.environment"]
    assert settings.dashboard.reader == "warehouse"
    assert (settings.dashboard.login, settings.dashboard.login_header) == ("proxy_header", "X-Forwarded-Email")
    check_access(settings.dashboard)
    told = [one["name"] for one in app(target)["config"]["env"]]
    assert not [name for name in told if name.startswith("MLFLOW_") and not hasattr(environment_variables, name)]


def test_apps_have_names_of_their_own() -> None:
    assert len({app(target)["name"] for target in TARGETS}) == len(TARGETS)


def load_app(folder: Path, installed: Path) -> "subprocess.CompletedProcess[str]":
    """What gunicorn says when it loads the app as its configuration has it, from ``folder``."""
    program, *arguments = app("production")["config"]["command"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TELFLOW_", "DATABRICKS_"))}
    return subprocess.run(
        [Path(sys.executable).parent / program, "--check-config", *arguments],
        cwd=folder,
        env={**own, **app_environment("production"), "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_of_the_app_loads_it() -> None:
    ran = load_app(Path.cwd(), Path("lib").absolute())
    assert ran.returncode == 0, ran.stderr


def test_a_run_that_was_lost_with_its_cluster_is_taken_over_as_the_guide_says(monkeypatch: pytest.MonkeyPatch) -> None:
    [command] = [words for words in commands() if "--only" in words]
    parser = argparse.ArgumentParser()  # the CLI's own options
    parser.add_argument("program", nargs=3)
    parser.add_argument("job")
    for option in ("--target", "--only", "--python-params"):
        parser.add_argument(option)
    given = parser.parse_args(command)
    [task] = [task for task in jobs(given.target)[given.job]["tasks"] if task["task_key"] == given.only]
    read = arguments_read(task, given.python_params.split(","), monkeypatch)
    assert read.take_over
    assert read.env == variables(given.target)["var.environment"]


def test_commands_of_the_guide_name_targets_and_resources_that_are_there() -> None:
    for words in commands():
        assert words[:2] == ["databricks", "bundle"]
        assert words[words.index("--target") + 1] in TARGETS
        if words[2] == "run":
            assert words[3] in {*jobs(), "dashboard"}


def test_the_guide_and_the_bundle_ask_for_the_same_client() -> None:
    wanted = BUNDLE["bundle"]["databricks_cli_version"].removeprefix(">= ")
    assert f"Databricks CLI {wanted} or" in GUIDE


@pytest.mark.slow
def test_the_build_makes_one_clean_wheel_and_the_folder_of_the_app(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    for stale in (
        "build/lib/telflow/deleted.py",
        "dist/telflow-0.0.9-py3-none-any.whl",
        APP_FOLDER / "telflow-0.0.9.whl",
    ):
        (tmp_path / stale).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stale).touch()
    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    build = BUNDLE["artifacts"]["telflow"]["build"]
    subprocess.run(["sh", "-c", build], cwd=tmp_path, env={**os.environ, "PATH": python}, check=True)
    [wheel] = (tmp_path / "dist").iterdir()
    assert {file.name for file in (tmp_path / APP_FOLDER).iterdir()} == {
        "requirements.txt",
        "requirements.lock",
        wheel.name,
    }
    wanted = (tmp_path / APP_FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert wanted[-2:] == ["--constraint requirements.lock", f"./{wheel.name}[dashboard,warehouse]"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [described] = [archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    assert "telflow/dashboard/wsgi.py" in names
    assert "telflow/deleted.py" not in names
    about = Parser().parsestr(described)
    assert {"dashboard", "warehouse"} <= set(about.get_all("Provides-Extra", []))
    assert not [need for need in about.get_all("Requires-Dist", []) if need.startswith(("pyspark", "delta-spark"))]
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel)]
    subprocess.run(pip, check=True)
    ran = load_app(tmp_path / APP_FOLDER, installed)  # the settings are those of the wheel
    assert ran.returncode == 0, ran.stderr
    kept = {pattern for pattern in BUNDLE["sync"]["include"] if list(tmp_path.glob(pattern))}
    assert kept == {f"{APP_FOLDER}/*.whl", f"{APP_FOLDER}/requirements.lock"}  # what git ignores would else stay behind
