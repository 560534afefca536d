"""Start the dashboard: ``python -m telflow.dashboard --env local --set lake.root=./lake``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from telflow.dashboard.access import check_access
from telflow.dashboard.serving import serve
from telflow.errors import TelflowError
from telflow.settings import load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the dashboard until interrupted; 2 where the settings forbid it."""
    parser = argparse.ArgumentParser(prog="telflow.dashboard", description="The dashboard on the tables of a lake.")
    parser.add_argument("--env", default="local", help="settings to use: local, dev, staging or prod (default: local)")
    parser.add_argument("--conf", type=Path, help="folder of the settings (default: ./conf, else the package's own)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a setting, such as dashboard.port=8060",
    )
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(given.env, given.set, given.conf)
        check_access(settings.dashboard)
        sys.stderr.write(
            f"the dashboard reads {settings.lake.root} and is at "
            f"http://{settings.dashboard.host}:{settings.dashboard.port}\n"
        )
        serve(settings)
    except TelflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
