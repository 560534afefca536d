"""Files of any compression as streams of plain bytes, and the files that an input names."""

import bz2
import gzip
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

import zstandard

from telflow.errors import InputError

Storage = Literal["none", "gzip", "bzip2", "zstd", "nfcapd"]

READ_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 16  # small, for of the piece that holds damage nothing is read
SKIPPED_FOLDERS: Final = ("provider", "truth")  # what a provider delivers beside its flows, and a simulation's truth
SYNTHETIC_MARKER: Final = "_SYNTHETIC.json"  # a simulation puts it into the folder that it writes
MAGIC: Final[tuple[tuple[bytes, Storage], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x0c\xa5\x01\x00", "nfcapd"),
    (b"\x0c\xa5\x02\x00", "nfcapd"),
    (b"\xa5\x0c\x00\x01", "nfcapd"),
    (b"\xa5\x0c\x00\x02", "nfcapd"),
)
ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after 50 to 5f: a frame that holds something else than content (RFC 8878)


class CutError(InputError):
    """A file ends before its content does, or is damaged: what was read of it before stands."""


def storage_of(path: Path) -> Storage:
    """How a file is stored, by its first bytes, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[1:] == ZSTD_SKIPPABLE and head[0] >> 4 == 5:
        return "zstd"
    return next((storage for magic, storage in MAGIC if head.startswith(magic)), "none")


def read_content(path: Path, storage: Storage) -> Iterator[bytes]:
    """The content of a file in pieces: decompressed, of nfdump's binary files as text.

    Raises:
        CutError: the file ends too early or is damaged, after the pieces that could be read.
        InputError: the program that reads the file is missing or refuses it.
    """
    if storage == "nfcapd":
        yield from read_nfcapd(path)
        return
    try:
        if storage == "gzip":
            yield from read_gzip(path)
        elif storage == "bzip2":
            yield from read_bzip2(path)
        elif storage == "zstd":
            yield from read_zstd(path)
        else:
            with path.open("rb", buffering=0) as raw:
                yield from iter(lambda: raw.read(READ_BYTES), b"")
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise CutError(f"{path} is cut or damaged ({error}): fetch it again from where it came") from None
    except OSError as error:
        if storage == "bzip2" and error.errno is None:
            raise CutError(f"{path} is cut or damaged ({error}): fetch it again from where it came") from None
        raise


def read_gzip(path: Path) -> Iterator[bytes]:
    """Content of a gzip file, one read of it at a time, so that nothing read before an error is lost."""
    with gzip.open(path, "rb") as file:
        yield from iter(lambda: file.read1(READ_BYTES), b"")


def read_bzip2(path: Path) -> Iterator[bytes]:
    """Content of all streams of a bzip2 file; Python's own reader drops one that is damaged at its beginning."""
    with path.open("rb") as file:
        data = file.read(READ_BYTES)
        while data:
            stream = bz2.BZ2Decompressor()
            while not stream.eof:
                if not data and stream.needs_input and not (data := file.read(READ_BYTES)):
                    raise EOFError("the last stream is not complete")
                yield stream.decompress(data, PIECE_BYTES)
                data = b""
            data = stream.unused_data or file.read(READ_BYTES)


def read_zstd(path: Path) -> Iterator[bytes]:
    """Content of all frames of a zstd file."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    is_open = False
    with path.open("rb") as file:
        while data := file.read(PIECE_BYTES):
            while data:
                is_open = True
                yield frame.decompress(data)
                data = b""
                if frame.eof:
                    is_open, data = False, frame.unused_data
                    frame = zstandard.ZstdDecompressor().decompressobj()
    if is_open:
        raise EOFError("the last frame is not complete")


def read_nfcapd(path: Path) -> Iterator[bytes]:
    """What ``nfdump -o csv`` prints of a binary file of nfdump's, with times in UTC."""
    program = shutil.which("nfdump")
    if program is None:
        raise InputError(f"{path} is a binary file of nfdump, which is not installed: apt-get install nfdump")
    command = [program, "-r", str(path.absolute()), "-o", "csv"]
    with tempfile.TemporaryFile() as told:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, env=os.environ | {"TZ": "UTC"}) as running:
            while running.stdout is not None and (piece := running.stdout.read(READ_BYTES)):
                yield piece
        told.seek(0)
        message = told.read(400).decode("utf-8", "replace").strip()
    if running.returncode:
        raise InputError(f"nfdump cannot read {path} (exit status {running.returncode}): {message}")
    if "error" in message.lower():  # of a file that is cut nfdump says so, and succeeds
        raise CutError(f"{path} is cut or damaged (nfdump says: {message}): fetch it again from where it came")


def find_files(inputs: Sequence[str]) -> list[Path]:
    """Files that the inputs name, sorted, each once, under the one path that no link leads over.

    An input is a file, a folder (with all below it) or a glob. Of a folder, names that begin with ``.`` or ``_`` and
    the folders ``provider`` and ``truth`` are left out. A folder that cannot be listed stands among the files itself:
    who opens it is told why.

    Raises:
        InputError: an input names no file.
    """
    found: set[Path] = set()
    for given in inputs:
        files = files_of(given)
        if not files:
            raise InputError(f"input {given} names no flow file: give a file, a folder or a glob that holds some")
        found.update(file.resolve() for file in files)
    return sorted(found)


def files_of(given: str) -> set[Path]:
    """Files that one input names; a name with glob characters that exists is taken as it stands."""
    path = Path(given).expanduser()
    if seems(path.exists):
        return files_below(path)
    root = Path(path.anchor)
    named = (found for found in root.glob(str(path.relative_to(root))) if is_wanted(found.name))
    return {file for found in named if found.name not in SKIPPED_FOLDERS for file in files_below(found)}


def part_without_globs(given: str) -> Path:
    """What of an input is a path: all of it where that exists, else what stands before the first glob character."""
    path = Path(given).expanduser()
    if seems(path.exists):
        return path
    plain = takewhile(lambda part: not set(part) & set("*?["), path.parts)
    return Path(*plain)


def files_below(path: Path) -> set[Path]:
    """The file itself, or the flow files below a folder, and folders there that cannot be listed."""
    if seems(path.is_file):
        return {path}
    found: set[Path] = set()
    for folder, folders, names in os.walk(
        path, onerror=lambda error: found.add(Path(error.filename)), followlinks=True
    ):
        folders[:] = [name for name in folders if is_wanted(name) and name not in SKIPPED_FOLDERS]
        found.update(file for file in (Path(folder) / name for name in names if is_wanted(name)) if seems(file.is_file))
    return found


def on_disk(path: Path) -> tuple[str, int, int] | None:
    """What a file is known by without opening it: path, size in bytes, modification time in microseconds.

    None where it is gone, or may not be looked at.
    """
    try:
        about = path.stat()
    except OSError:
        return None
    since_epoch = datetime.fromtimestamp(about.st_mtime, UTC) - datetime.fromtimestamp(0, UTC)
    return str(path), about.st_size, since_epoch // timedelta(microseconds=1)


def seems(test: Callable[[], bool]) -> bool:
    """What a test of a path says; yes where it may not be looked at, for who opens it is told why."""
    try:
        return test()
    except OSError:
        return True


def is_synthetic(folder: Path) -> bool:
    """Whether a simulation wrote the files of a folder, as the marker there or above it tells."""
    return any((above / SYNTHETIC_MARKER).is_file() for above in (folder, *folder.parents))


def is_wanted(name: str) -> bool:
    return not name.startswith((".", "_"))
