"""A small lake and what reads it, for all tests of the dashboard."""

from pathlib import Path

import pytest

from telflow.dashboard.compose import Services, open_services
from telflow.dashboard.pages import PAGES
from telflow.dashboard.readers import open_reader
from tests.dashboard.lakes import lake_settings, small_lake


@pytest.fixture(scope="session")
def dashboard_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_lake(tmp_path_factory.mktemp("dashboard-lake"))


@pytest.fixture(scope="session")
def services(dashboard_lake: Path) -> Services:
    settings = lake_settings(dashboard_lake)
    return open_services(open_reader(settings), settings, PAGES)
