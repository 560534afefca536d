"""Login by OpenID Connect against a provider on loopback: who gets in, who does not, and what ends a session."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey

from telflow.dashboard.access import check_access
from telflow.dashboard.app import create_app
from telflow.dashboard.login import may_enter
from telflow.errors import AccessError
from telflow.settings import load_settings
from tests.dashboard.lakes import lake_settings
from tests.dashboard.provider import CLIENT, SECRET, Provider, running_provider

ADDRESS = "https://flows.example.org"
KEY = "0123456789abcdef" * 2
PAGE = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_OIDC_SECRET", SECRET)
    monkeypatch.setenv("TELFLOW_SESSION_KEY", KEY)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def overrides(issuer: str, *more: str) -> list[str]:
    return ["dashboard.host=0.0.0.0", "dashboard.login=oidc", f"dashboard.login_address={ADDRESS}",
            f"dashboard.oidc_issuer={issuer}", f"dashboard.oidc_client_id={CLIENT}", *more]  # fmt: skip


def client_of(provider: Provider, lake: Path, *more: str) -> FlaskClient:
    client: FlaskClient = create_app(lake_settings(lake, *overrides(provider.issuer, *more))).server.test_client()
    return client


def get(client: FlaskClient, path: str, **headers: str) -> Any:
    return client.get(path, base_url=ADDRESS, headers={**PAGE, **headers})


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: object) -> None:
        return None


def sent_back(client: FlaskClient) -> str:
    """Where the provider sends a browser that came from the login; path and query."""
    away = get(client, "/login").location
    try:
        urllib.request.build_opener(Stay).open(away)
    except HTTPError as answer:
        parts = urlsplit(str(answer.headers["Location"]))
        return f"{parts.path}?{parts.query}"
    raise AssertionError("the provider sent nobody back")


def log_in(client: FlaskClient) -> Any:
    return get(client, sent_back(client))


def test_nothing_is_shown_before_the_login(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake)
    assert get(client, "/peaks?tier=High").location == "/login"
    for path in ("/_dash-layout", "/assets/telflow.js"):
        assert client.get(path, base_url=ADDRESS).status_code == 401
    assert client.post("/_dash-update-component", base_url=ADDRESS, json={}).status_code == 401


def test_who_logs_in_comes_to_the_page_asked_for(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake)
    get(client, "/peaks?tier=High")
    entered = log_in(client)
    assert (entered.status_code, entered.location) == (302, "/peaks?tier=High")
    cookie = entered.headers["Set-Cookie"]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax"))
    assert get(client, "/").status_code == 200
    assert "Log out" in get(client, "/_dash-layout").text
    asked = parse_qs(urlsplit(get(client, "/login").location).query)
    assert asked["redirect_uri"] == [f"{ADDRESS}/login/callback"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)


def test_a_session_ends_by_logout_and_by_time(
    provider: Provider, dashboard_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(provider, dashboard_lake)
    log_in(client)
    left = get(client, "/logout")
    assert left.location.startswith(f"{provider.issuer}/end?client_id={CLIENT}&post_logout_redirect_uri=")
    assert get(client, "/").location == "/login"
    assert get(client, "/logged-out").status_code == 200
    log_in(client)
    now = time.time()
    monkeypatch.setattr("telflow.dashboard.login.time.time", lambda: now + 8 * 3600 + 60)
    assert get(client, "/").location == "/login"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
        {"sub": ""},
    ],
)
def test_a_token_that_does_not_fit_lets_nobody_in(
    claims: dict[str, Any], provider: Provider, dashboard_lake: Path
) -> None:
    client = client_of(provider, dashboard_lake)
    provider.claims = claims
    refused = log_in(client)
    assert refused.status_code == 403
    assert "could not be trusted" in refused.text
    assert get(client, "/").location == "/login"


def test_a_token_signed_by_another_key_lets_nobody_in(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake)
    provider.signer = RSAKey.generate_key(2048, {"kid": "one"})
    assert log_in(client).status_code == 403


def test_an_answer_to_anothers_question_lets_nobody_in(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake)
    stolen = sent_back(client_of(provider, dashboard_lake))
    assert get(client, stolen).status_code == 403
    assert get(client, "/login/callback?code=x&state=y").status_code == 403
    assert get(client, "/login/callback?error=access_denied").status_code == 403


def test_a_session_of_another_key_is_none(
    provider: Provider, dashboard_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client_of(provider, dashboard_lake)
    cookie = log_in(first).headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
    monkeypatch.setenv("TELFLOW_SESSION_KEY", KEY[::-1])
    second = client_of(provider, dashboard_lake)
    second.set_cookie("telflow_session", cookie, domain="flows.example.org", secure=True)
    assert get(second, "/").location == "/login"


def test_nobody_is_sent_elsewhere_after_the_login(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake)
    client.get("//evil.example/", base_url=ADDRESS, headers=PAGE)
    assert not log_in(client).location.startswith(("//", "http"))


def test_a_provider_that_is_not_there_is_told(dashboard_lake: Path) -> None:
    with running_provider() as gone:
        pass
    assert get(client_of(gone, dashboard_lake), "/login").status_code == 502


def test_a_group_can_be_demanded(provider: Provider, dashboard_lake: Path) -> None:
    client = client_of(provider, dashboard_lake, "dashboard.allowed_groups=[analysts]")
    provider.claims = {"groups": ["others"]}
    assert "not among those" in log_in(client).text
    assert get(client, "/").location == "/login"
    provider.claims = {"groups": ["others", "analysts"]}
    assert log_in(client).status_code == 302
    assert get(client, "/").status_code == 200


@pytest.mark.parametrize(
    ("claims", "enters"),
    [
        ({"email": "a@example.org", "email_verified": True}, True),
        ({"email": "a@EXAMPLE.org", "email_verified": True}, True),
        ({"email": "a@example.org"}, False),
        ({"email": "a@example.org", "email_verified": False}, False),
        ({"email": "a@sub.example.org", "email_verified": True}, False),
        ({"email": "a@example.org@evil.example", "email_verified": True}, False),
        ({"groups": "analysts", "email_verified": True}, False),
        ({"groups": None}, False),
        ({"groups": ["analysts"]}, True),
    ],
)
def test_who_may_enter(claims: dict[str, Any], enters: bool) -> None:
    allowed = ["dashboard.allowed_domains=[example.org]", "dashboard.allowed_groups=[analysts]"]
    assert may_enter(claims, load_settings("local", allowed).dashboard) is enters


@pytest.mark.parametrize(
    ("more", "variable", "said"),
    [
        (["dashboard.login_address=null"], "", "give dashboard.login_address"),
        (["dashboard.oidc_client_id=null"], "", "give dashboard.oidc_client_id"),
        (["dashboard.login_address=http://flows.example.org"], "", "begins with https"),
        (["dashboard.oidc_issuer=http://login.example.org"], "", "begins with https"),
        ([], "TELFLOW_OIDC_SECRET", "holds the client's secret"),
        ([], "TELFLOW_SESSION_KEY", "32 random characters"),
    ],
)
def test_half_a_login_refuses_to_start(
    more: list[str], variable: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, "short" if variable.endswith("KEY") else "")
    settings = load_settings("local", overrides("https://login.example.org", *more))
    with pytest.raises(AccessError, match=said):
        check_access(settings.dashboard)
