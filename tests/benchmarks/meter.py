"""Peak memory of this process and all it started."""

import os
import threading
from pathlib import Path
from types import TracebackType

SAMPLE_SECONDS = 0.25
PROC = Path("/proc")
MEBIBYTE = 1 << 20


class PeakMemory:
    """Samples resident memory while its block runs: this process, the JVM and the Python workers.

    Pages that processes share are counted for each of them, so the peak is never told too low.

    Attributes:
        mebibytes: the highest sum seen; None where there is no /proc to read it from.
    """

    def __init__(self) -> None:
        self.mebibytes: int | None = None
        self._is_done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        self._sampler.join()

    def _sample(self) -> None:
        if not (PROC / "self" / "stat").exists():
            return
        while not self._is_done.wait(SAMPLE_SECONDS):
            self.mebibytes = max(self.mebibytes or 0, family_bytes(os.getpid()) // MEBIBYTE)


def family_bytes(root: int) -> int:
    """Resident bytes of process ``root`` and its descendants."""
    parents, pages = {}, {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it ended meanwhile
                continue
            fields = stat.rpartition(")")[2].split()  # the name, in brackets, may hold blanks
            parents[int(folder.name)], pages[int(folder.name)] = int(fields[1]), int(fields[21])
    family, size = {root}, -1
    while len(family) > size:
        size = len(family)
        family |= {process for process, parent in parents.items() if parent in family}
    return sum(pages.get(process, 0) for process in family) * os.sysconf("SC_PAGE_SIZE")
