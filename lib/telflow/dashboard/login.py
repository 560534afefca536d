"""Login by OpenID Connect: whoever the provider knows, and the settings let in, gets a session of some hours.

Authlib checks state, nonce, signature, issuer and audience. The session is a signed cookie that holds the name of the
user and an end, nothing else.
"""

import logging
import os
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, redirect, request, session
from joserfc.errors import JoseError
from werkzeug.wrappers import Response as AnyResponse

from telflow.errors import AccessError
from telflow.settings import DashboardSettings

LOGIN: Final = "/login"
CALLBACK: Final = "/login/callback"
LOGOUT: Final = "/logout"
LOGGED_OUT: Final = "/logged-out"
OPEN_TO_ALL: Final = (LOGIN, CALLBACK, LOGOUT, LOGGED_OUT)
LEAST_KEY: Final = 32
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
SECONDS_TO_WAIT: Final = 10
FAILED: Final = "The login did not succeed"
log = logging.getLogger(__name__)


def check_login(dashboard: DashboardSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse settings of ``login: oidc`` that are not whole.

    Raises:
        AccessError: it says which setting or environment variable to give.
    """
    for name in ("login_address", "oidc_issuer", "oidc_client_id"):
        if not getattr(dashboard, name):
            raise AccessError(f"dashboard.login = oidc: give dashboard.{name}")
    for name in ("login_address", "oidc_issuer"):
        check_address(f"dashboard.{name}", getattr(dashboard, name))
    if not environment.get(dashboard.oidc_secret_variable):
        raise AccessError(
            f"dashboard.login = oidc: the environment variable {dashboard.oidc_secret_variable} is empty, it holds the "
            "client's secret"
        )
    if len(environment.get(dashboard.session_key_variable, "")) < LEAST_KEY:
        raise AccessError(
            f"dashboard.login = oidc: the environment variable {dashboard.session_key_variable} signs the sessions and "
            f"needs {LEAST_KEY} random characters or more, the same for all workers: openssl rand -hex 32 makes some"
        )


def check_address(setting: str, address: str) -> None:
    """Refuse an address over which secrets would travel in the clear."""
    parts = urlsplit(address)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.hostname:
        raise AccessError(f"{setting} = {address}: give an address that begins with https://")


def add_login(server: Flask, dashboard: DashboardSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Let ``server`` answer those alone who have logged in.

    Raises:
        AccessError: the settings are not whole.
    """
    check_login(dashboard, environment)
    address = str(dashboard.login_address).rstrip("/")
    server.secret_key = environment[dashboard.session_key_variable]
    server.config.update(
        SESSION_COOKIE_NAME="telflow_session",
        SESSION_COOKIE_SECURE=address.startswith("https:"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    provider = provider_of(server, dashboard, environment[dashboard.oidc_secret_variable])
    server.before_request(require_session)
    add_routes(server, dashboard, provider, address)


def provider_of(server: Flask, dashboard: DashboardSettings, secret: str) -> Any:
    """The client of the provider; it reads the provider's description with the first login."""
    described = f"{str(dashboard.oidc_issuer).rstrip('/')}/.well-known/openid-configuration"
    return OAuth(server).register(
        "oidc",
        client_id=dashboard.oidc_client_id,
        client_secret=secret,
        server_metadata_url=described,
        client_kwargs={
            "scope": " ".join(dashboard.oidc_scopes),
            "code_challenge_method": "S256",
            "timeout": SECONDS_TO_WAIT,
        },
    )


def add_routes(server: Flask, dashboard: DashboardSettings, provider: Any, address: str) -> None:
    """Pages of the login; none of them shows anything of the lake."""

    def login() -> AnyResponse:
        try:
            sent: AnyResponse = provider.authorize_redirect(f"{address}{CALLBACK}")
        except (OAuthError, OSError, RuntimeError):
            log.exception("the provider of the login does not answer")
            return told(f"{FAILED}: the provider does not answer.", 502)
        return sent

    def callback() -> AnyResponse:
        try:
            claims = claims_of(provider, dashboard)
        except (OAuthError, JoseError, OSError, ValueError) as error:
            log.warning("a login failed: %s", error)
            return told(f"{FAILED}: its answer could not be trusted. Try again at {address}{LOGIN}.", 403)
        if not may_enter(claims, dashboard):
            return told("You are logged in, but not among those whom the dashboard lets in.", 403)
        target = "/" + str(session.get("next", "/")).lstrip("/\\")
        session.clear()
        session["user"] = str(claims.get("email") or claims["sub"])
        session["until"] = time.time() + dashboard.session_hours * 3600
        return redirect(target)

    def logout() -> AnyResponse:
        session.clear()
        return redirect(end_address(provider, dashboard, address))

    def logged_out() -> AnyResponse:
        return told(f"You are logged out. Log in again at {address}/.", 200)

    for path, view in ((LOGIN, login), (CALLBACK, callback), (LOGOUT, logout), (LOGGED_OUT, logged_out)):
        server.add_url_rule(path, endpoint=f"login {path}", view_func=view)


def claims_of(provider: Any, dashboard: DashboardSettings) -> Mapping[str, Any]:
    """What the provider says of the user, checked.

    Raises:
        OAuthError, JoseError: the answer is not the provider's to this browser's question.
        ValueError: there is no identity in it.
    """
    options = {
        "iss": {"essential": True, "values": [dashboard.oidc_issuer]},
        "aud": {"essential": True, "values": [dashboard.oidc_client_id]},
    }
    token = provider.authorize_access_token(claims_options=options)
    claims = token.get("userinfo")
    if not claims or not claims.get("sub"):
        raise ValueError("the answer names nobody")
    found: Mapping[str, Any] = claims
    return found


def may_enter(claims: Mapping[str, Any], dashboard: DashboardSettings) -> bool:
    """Whether the settings let in whom ``claims`` name: all, or those of an allowed group or mail domain."""
    if not dashboard.allowed_groups and not dashboard.allowed_domains:
        return True
    groups = claims.get(dashboard.groups_claim) or ()
    if not isinstance(groups, str) and set(groups) & set(dashboard.allowed_groups):
        return True
    domain = str(claims.get("email", "")).rpartition("@")[2].lower()
    is_verified = claims.get("email_verified") is True
    return is_verified and domain in {allowed.lower() for allowed in dashboard.allowed_domains}


def require_session() -> AnyResponse | None:
    """Send a browser that has no session to the login, and refuse everything else without one."""
    if request.path in OPEN_TO_ALL or (session.get("user") and time.time() < session.get("until", 0)):
        return None
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        session.clear()
        session["next"] = request.full_path.rstrip("?")
        return redirect(LOGIN)
    return told("Not logged in, or no longer: load the page again.", 401)


def end_address(provider: Any, dashboard: DashboardSettings, address: str) -> str:
    """Where the provider ends its own session; the dashboard's own page where it has no such place."""
    try:
        place = provider.load_server_metadata().get("end_session_endpoint")
    except (OAuthError, OSError, RuntimeError):
        place = None
    if not place:
        return LOGGED_OUT
    back = {"client_id": str(dashboard.oidc_client_id), "post_logout_redirect_uri": f"{address}{LOGGED_OUT}"}
    return f"{place}{'&' if '?' in place else '?'}{urlencode(back)}"


def told(text: str, status: int) -> Response:
    """A sentence as a page."""
    return Response(f"{text}\n", status=status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
