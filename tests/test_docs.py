"""The documentation builds as a site without a broken link, and holds a page for each table."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from telflow.tables import ALL_TABLES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_each_table_and_each_job_has_its_place(site: Path) -> None:
    for table in ALL_TABLES:
        page = site / "reference" / "tables" / table.name / "index.html"
        assert table.grain in page.read_text(encoding="utf-8").replace("&amp;", "&")
    jobs = (site / "reference" / "jobs" / "index.html").read_text(encoding="utf-8")
    for script in (path.name for path in Path("jobs").glob("*.py") if path.stem != "__init__"):
        assert f"usage: {script}" in jobs
        assert f'id="{script.replace(".", "")}"' in jobs  # what the pages of tables point to


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    loaded = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert [address for address in loaded if "://" in address] == []
    assert "fonts.googleapis" not in page


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n\n[there](nowhere.md) [and](#nothing)\n")
    settings = yaml.safe_load(Path("mkdocs.yml").read_text(encoding="utf-8"))
    kept = {"site_name": "x", "theme": settings["theme"], "validation": settings["validation"]}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(kept))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr
    assert "#nothing" in built.stderr
