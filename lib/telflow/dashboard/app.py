"""The application: settings in, a Dash application out."""

import base64
import mimetypes
from importlib import resources
from pathlib import Path
from typing import Any, cast

from dash import Dash
from flask import Flask

from telflow.dashboard import access, callbacks, headers
from telflow.dashboard.compose import open_services
from telflow.dashboard.data import Reader
from telflow.dashboard.pages import PAGES
from telflow.dashboard.readers import open_reader
from telflow.dashboard.shell import shell
from telflow.errors import SettingsError
from telflow.settings import Settings


def create_app(settings: Settings, reader: Reader | None = None) -> Dash:
    """The dashboard under ``settings``.

    Args:
        settings: checked settings.
        reader: what pages read from; None for the one of the settings.

    Raises:
        AccessError: the dashboard would be open to others without a login.
        SettingsError: the logo cannot be read, or the reader's settings do not fit together.
    """
    server: Any = Flask("telflow.dashboard")  # Dash has its type narrower than what it takes
    access.guard(server, settings.dashboard)
    app = Dash(
        "telflow.dashboard",
        server=server,
        title=settings.dashboard.title,
        update_title="",
        assets_folder=str(resources.files("telflow.dashboard") / "assets"),
        serve_locally=True,
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = shell(settings.dashboard, logo_data(settings.dashboard.logo))
    app.index_string = app.index_string.replace("<html>", '<html lang="en">')
    callbacks.register(app, open_services(reader or open_reader(settings), settings, PAGES))
    headers.protect(server, app.csp_hashes())
    with server.test_request_context("/"):  # else the first request registers scripts while others ask for them
        cast(Any, app).index()
    return app


def logo_data(file: str | None) -> str | None:
    """The logo as a data address, so that it needs no place on the server."""
    if file is None:
        return None
    kind = mimetypes.guess_type(file)[0] or ""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise SettingsError(f"dashboard.logo = {file} cannot be read: {error.strerror}") from None
    if not kind.startswith("image/"):
        raise SettingsError(f"dashboard.logo = {file} is no picture: give an SVG or PNG file")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
