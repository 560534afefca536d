"""Tableau's Hyper files, by the package pantab."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from pyarrow import dataset

from telflow.errors import PackageMissingError

BATCH_ROWS = 65_536


def write_hyper(parquet: Path, file: Path, name: str) -> None:
    """Write the Parquet files of a folder into a Hyper file, batch by batch.

    Args:
        parquet: folder of files with plain columns.
        file: Hyper file to write; what stands there is replaced.
        name: of the table in it.

    Raises:
        PackageMissingError: pantab is not installed.
    """
    pantab = hyper_library()
    files = dataset.dataset(parquet, format="parquet")
    batches = files.scanner(batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1).to_reader()
    pantab.frame_to_hyper(batches, file, table=name)


def hyper_library() -> ModuleType:
    """The package pantab.

    Raises:
        PackageMissingError: it is not installed.
    """
    try:
        return import_module("pantab")
    except ImportError:
        raise PackageMissingError("--format hyper needs pantab: pip install 'telflow[tableau]'") from None
