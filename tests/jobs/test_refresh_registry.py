"""The job end to end, twice: the second run changes nothing."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import refresh_registry
from telflow.classify.registries import read_registry
from telflow.classify.shipped import SERVICES_FILE, load_shipped_registry
from telflow.errors import RegistryError
from telflow.lake import Lake
from telflow.tables import IANA_PROTOCOLS, IANA_SERVICES

HEADER = "Service Name,Port Number,Transport Protocol,Registration Date,Modification Date"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    services, protocols = tmp_path / "services.csv", tmp_path / "protocols.csv"
    lines = [HEADER, "http,80,tcp,,2024-01-01", "old,81-82,udp,,", "ssh,22,tcp,,"]
    services.write_text("\n".join(lines) + "\n", encoding="utf-8")
    protocols.write_text("Decimal,Keyword\n1,ICMP\n2-3,\n", encoding="utf-8")
    return ["--services", str(services), "--protocols", str(protocols)]


def test_a_newer_registry_is_a_new_version(
    spark: SparkSession, tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    arguments = ["--set", f"lake.root={lake.root}", *files]
    assert refresh_registry.main(arguments) == 0
    assert "registry 2024-01-01 loaded: 4 ports, 3 protocols" in capsys.readouterr().out

    written = lake.version(IANA_SERVICES), lake.version(IANA_PROTOCOLS)
    assert refresh_registry.main(arguments) == 0
    assert "registry 2024-01-01 is loaded already: nothing changed" in capsys.readouterr().out
    assert (lake.version(IANA_SERVICES), lake.version(IANA_PROTOCOLS)) == written

    newer = [HEADER, "www,80,tcp,,2024-02-01", "ssh,22,tcp,,", "more,90-99,sctp,,"]
    Path(files[1]).write_text("\n".join(newer) + "\n", encoding="utf-8")
    assert refresh_registry.main(arguments) == 0
    told = capsys.readouterr().out
    assert "against 2024-01-01:" in told
    assert "added 10: 90/sctp more, 91/sctp more, 92/sctp more, 93/sctp more, 94/sctp more, ..." in told
    assert "removed 2: 81/udp old, 82/udp old\n" in told
    assert "renamed 1: 80/tcp http -> www\n" in told
    assert lake.read(IANA_SERVICES).count() == 4 + 12


def test_without_files_the_shipped_registry_is_loaded(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    assert refresh_registry.main(["--set", f"lake.root={lake.root}"]) == 0
    assert lake.read(IANA_SERVICES).count() == len(load_shipped_registry().by_port)


def test_it_writes_what_the_package_ships(spark: SparkSession, tmp_path: Path, files: list[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    folder = tmp_path / "resources"
    folder.mkdir()
    arguments = ["--set", f"lake.root={lake.root}", "--write-resource", str(folder), *files]
    assert refresh_registry.main(arguments) == 0
    facts = len(read_registry(Path(files[1]), Path(files[3])).services)
    assert len((folder / SERVICES_FILE).read_text(encoding="utf-8").splitlines()) == 1 + facts


def test_one_file_alone_is_refused(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        refresh_registry.main(files[:2])
    assert "--services and --protocols go together" in capsys.readouterr().err


def test_files_that_are_no_registries_are_refused_before_anything_is_written(tmp_path: Path, files: list[str]) -> None:
    swapped = ["--services", files[3], "--protocols", files[1]]
    with pytest.raises(RegistryError, match=r"protocols\.csv, line 1: column Service Name"):
        refresh_registry.main(["--set", f"lake.root={tmp_path / 'lake'}", *swapped])
    assert not (tmp_path / "lake").exists()
