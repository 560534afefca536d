"""Makes the reference when the site is built, from the declarations and the scripts: none of it is kept here."""

import contextlib
import io
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from telflow.analysts.reference import reference_pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference to ``files``."""
    root = Path(config.config_file_path).parent
    readme = (root / "README.md").read_text(encoding="utf-8")
    settings = (root / "conf" / "base" / "settings.yaml").read_text(encoding="utf-8")
    scripts = sorted(path.stem for path in (root / "jobs").glob("*.py") if path.stem != "__init__")
    bundle = [path.read_text(encoding="utf-8") for path in sorted((root / "jobs").glob("*.job.yml"))]
    helps = {f"{name}.py": help_of(name) for name in scripts}
    for path, text in reference_pages(readme, settings, helps, bundle).items():
        files.append(File.generated(config, path, content=text))
    return files


def help_of(script: str) -> str:
    """What a script of jobs/ answers to ``--help``."""
    told = io.StringIO()
    argv, environment = patch("sys.argv", [f"{script}.py"]), patch.dict("os.environ", COLUMNS="100")  # as argparse sees
    with argv, environment, contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        import_module(f"jobs.{script}").main(["--help"])
    return told.getvalue()
