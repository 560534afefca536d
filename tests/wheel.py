"""The wheel, built in a copy of what it is made of: the repository's own folders stay as they are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = ("lib", "conf", "jobs", "setup.py", "pyproject.toml", "README.md", "requirements.lock")
BUILT = ("__pycache__", "*.egg-info", "*.whl")


def copy_sources(folder: Path) -> Path:
    """``folder``, with what the wheel is built from in it."""
    folder.mkdir(exist_ok=True)
    for name in SOURCES:
        if Path(name).is_dir():
            shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns(*BUILT))
        else:
            shutil.copy(name, folder)
    return folder


def build_wheel(source: Path, wheels: Path, **variables: str) -> Path:
    """The wheel of the copy in ``source``, put into ``wheels``, with more variables of the environment set."""
    build = [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str(wheels)]
    subprocess.run(build, cwd=source, check=True, env={**os.environ, **variables}, capture_output=True)
    [wheel] = wheels.glob("*.whl")
    return wheel
