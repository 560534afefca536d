"""What is said where Java is missing or unfit."""

from pathlib import Path

import pytest

from telflow.errors import JavaMissingError
from telflow.session import SUPPORTED_JAVA, check_java


def fake_java(folder: Path, told: str) -> None:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    program.chmod(0o755)


def test_the_java_here_is_supported() -> None:
    assert check_java() in SUPPORTED_JAVA


def test_no_java_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaMissingError, match=r"no Java was found.*openjdk-17"):
        check_java()


@pytest.mark.parametrize(
    ("version", "is_fit"), [("17", True), ("21", True), ("11", False), ("1.8", False), ("25", False)]
)
def test_only_tested_versions_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, is_fit: bool
) -> None:
    fake_java(tmp_path, f"    java.specification.version = {version}")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if is_fit:
        assert check_java() == int(version)
    else:
        with pytest.raises(JavaMissingError, match=f"is Java {version.removeprefix('1.')}"):
            check_java()


def test_a_java_that_does_not_tell_its_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_java(tmp_path, "hello")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(JavaMissingError, match="does not tell its version"):
        check_java()
