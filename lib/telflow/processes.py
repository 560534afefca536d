"""Which process of which machine this is, and whether another one of this machine is still there."""

import os
import platform
from pathlib import Path


def this_machine() -> str:
    """Name of this machine, told apart from others of the same name where the system has an identity for it."""
    identity = text_of(Path("/etc/machine-id"))
    return f"{platform.node()}/{identity[:12]}" if identity else platform.node()


def this_process() -> str:
    """Identity of the process that asks."""
    return process_identity(os.getpid())


def process_identity(pid: int) -> str:
    """Number of a process with the moment it began, for numbers are given again; only the number where nobody says."""
    boot = text_of(Path("/proc/sys/kernel/random/boot_id"))[:8]
    # the name, in brackets, may hold blanks; the start follows as the 20th field (proc_pid_stat(5))
    fields = text_of(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return f"{pid}/{boot}/{fields[19]}" if boot and len(fields) > 19 else str(pid)


def is_running(identity: str) -> bool:
    """Whether the process of this machine that ``process_identity`` named is still there."""
    pid = int(identity.partition("/")[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return process_identity(pid) == identity


def text_of(path: Path) -> str:
    """Content of a small file; empty where it is not there."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
