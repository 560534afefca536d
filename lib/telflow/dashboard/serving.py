"""How gunicorn serves the dashboard: ``python -m telflow.dashboard``, or gunicorn's own command line.

The environment names the settings: ``TELFLOW_ENV`` (local, dev, staging or prod) and ``TELFLOW_SET``, overrides as on
a job's command line, separated by spaces and quoted as in a shell. ``TELFLOW_CONF`` names another folder of settings.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from telflow.dashboard.access import check_access
from telflow.dashboard.app import create_app
from telflow.dashboard.models import warm_models
from telflow.dashboard.no_spark import bar_spark
from telflow.dashboard.pages import PAGES
from telflow.dashboard.readers import open_reader, warm
from telflow.settings import Settings, load_settings


def environment_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings as the environment names them."""
    conf = environment.get("TELFLOW_CONF")
    overrides = shlex.split(environment.get("TELFLOW_SET", ""))
    return load_settings(environment.get("TELFLOW_ENV", "local"), overrides, Path(conf) if conf else None)


def warm_server(settings: Settings) -> Flask:
    """The application with its relations being read; for a process that is there to serve."""
    bar_spark()
    reader = open_reader(settings)
    server: Flask = create_app(settings, reader).server
    warm(reader, [relation for page in PAGES for relation in (*page.relations, *page.more_relations)])
    warm_models(settings.mlflow)
    return server


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """Options of gunicorn: threads in a few processes, each of which opens its own reader after the fork."""
    dashboard = settings.dashboard
    return {
        "bind": f"{dashboard.host}:{dashboard.port}",
        "workers": dashboard.workers,
        "threads": dashboard.threads,
        "worker_class": "gthread",
        "timeout": 120,
        "graceful_timeout": 5,
        "preload_app": False,
        "forwarded_allow_ips": "",
        "header_map": "refuse",  # X_Forwarded_Email would come to the application as X-Forwarded-Email
        "forwarder_headers": "",
        "control_socket_disable": True,  # it would be put below the user's home, and nobody here uses it
    }


def serve(settings: Settings) -> None:
    """Listen until interrupted.

    Raises:
        AccessError: the dashboard would be open to others without a login.
    """
    check_access(settings.dashboard)
    load = {"load_config": lambda _: None, "load": lambda _: warm_server(settings)}
    application = type("Served", (BaseApplication,), load)()
    for name, value in gunicorn_options(settings).items():
        application.cfg.set(name, value)
    application.run()
