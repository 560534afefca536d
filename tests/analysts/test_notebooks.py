"""The notebooks that answer by saved questions run from top to bottom, and have their pictures."""

import runpy

import pytest
from matplotlib.figure import Figure

from telflow.lake import Lake
from tests.analysts.lake import ZONE

PICTURES = {"explore_month": 3, "plan_capacity": 5, "choose_services": 3, "reclassify_traffic": 3}


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_runs_and_has_its_pictures(name: str, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_SET", f"'lake.root={lake.root}' network.zone={ZONE}")
    shown = runpy.run_path(f"notebooks/{name}.py")
    figures: list[Figure] = shown["figures"]
    assert len(figures) == PICTURES[name]
    for figure in figures:
        axes = figure.axes[0]
        assert axes.get_title(loc="left").endswith("(synthetic records)")
        assert axes.has_data()
        assert axes.get_xlabel() or axes.get_ylabel()


def test_bars_are_of_the_newest_month_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_SET", f"'lake.root={lake.root}' network.zone={ZONE}")
    shown = runpy.run_path("notebooks/plan_capacity.py")
    assert len(shown["months"]) == 2 * len(shown["month"]) == 4
    of_categories, of_regions = shown["figures"][1:3]
    assert [label.get_text() for label in of_categories.axes[0].get_yticklabels()] == ["web", "all"]
    assert [label.get_text() for label in of_regions.axes[0].get_yticklabels()] == ["metro"]
