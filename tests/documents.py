"""What README and docs/ show, taken out of them to be run."""

import re
from pathlib import Path

ROOT = Path.cwd()
README, TUTORIAL = ROOT / "README.md", ROOT / "docs" / "first-hour.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(document: Path, language: str) -> list[str]:
    """Blocks of ``document`` that are fenced as ``language``, indented ones too."""
    fenced = rf"^( *)```{language}\n(.*?)^\1```"
    return [block for _, block in re.findall(fenced, document.read_text("utf-8"), re.MULTILINE | re.DOTALL)]


def commands(document: Path) -> list[str]:
    """Commands of the ``sh`` blocks of ``document``, without comments."""
    return [command for block in blocks(document, "sh") for command in commands_of(block)]


def commands_of(block: str) -> list[str]:
    """Commands of a block, without comments."""
    lines = block.replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"\s+# .*", "", line.strip()))]


def wheel_commands() -> list[str]:
    """The commands of README that need nothing but the wheel."""
    [block] = [block for block in blocks(README, "sh") if "/bin/telflow" in block]
    return commands_of(block)
