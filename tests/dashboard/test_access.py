"""Who is let in, what every response carries, and that the web process has no Spark."""

import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from telflow.dashboard.access import check_access
from telflow.dashboard.app import create_app
from telflow.dashboard.serving import environment_settings, gunicorn_options
from telflow.errors import AccessError, SettingsError
from telflow.settings import load_settings
from tests.dashboard.lakes import lake_settings
from tests.dashboard.server import running_server

PROXY = ("dashboard.host=0.0.0.0", "dashboard.login=proxy_header", "dashboard.trusted_proxies=[10.0.0.0/8]")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_no_login(host: str) -> None:
    check_access(load_settings("local", [f"dashboard.host='{host}'"]).dashboard)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["dashboard.host=0.0.0.0"], "dashboard.host = 0.0.0.0 lets other machines in"),
        (["dashboard.host=example.org"], "asks nobody who they are"),
        (["dashboard.login=proxy_header"], "dashboard.trusted_proxies"),
        ([*PROXY, "dashboard.login_header=' '"], "name the header"),
        (
            [*PROXY, "dashboard.trusted_proxies=[0.0.0.0/0]"],
            r"0\.0\.0\.0/0 is every address.*such as \[10\.0\.0\.5/32\]",
        ),
        ([*PROXY, "dashboard.trusted_proxies=['10.0.0.5/32','::/0']"], "::/0 is every address"),
    ],
)
def test_without_a_login_it_refuses_to_start(overrides: list[str], told: str, tmp_path: Path) -> None:
    settings = lake_settings(tmp_path, *overrides)
    with pytest.raises(AccessError, match=told):
        create_app(settings)


@pytest.mark.parametrize(
    ("caller", "headers", "status"),
    [
        ("127.0.0.1", {"Host": "127.0.0.1:8050"}, 200),
        ("127.0.0.1", {"Host": "localhost"}, 200),
        ("::1", {"Host": "[::1]:8050"}, 200),
        ("192.0.2.7", {"Host": "127.0.0.1:8050"}, 403),
        ("127.0.0.1", {"Host": "evil.example:8050"}, 403),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "192.0.2.7"}, 403),
    ],
)
def test_without_a_login_this_machine_alone_is_answered(
    caller: str, headers: dict[str, str], status: int, dashboard_lake: Path
) -> None:
    client = create_app(lake_settings(dashboard_lake)).server.test_client()
    assert client.get("/", headers=headers, environ_base={"REMOTE_ADDR": caller}).status_code == status


@pytest.mark.parametrize(
    ("caller", "headers", "status"),
    [
        ("10.1.2.3", {"X-Forwarded-Email": "analyst"}, 200),
        ("::ffff:10.1.2.3", {"X-Forwarded-Email": "analyst"}, 200),
        ("::ffff:192.0.2.7", {"X-Forwarded-Email": "analyst"}, 403),
        ("10.1.2.3", {}, 401),
        ("10.1.2.3", {"X-Forwarded-Email": " "}, 401),
        ("192.0.2.7", {"X-Forwarded-Email": "analyst"}, 403),
        ("", {"X-Forwarded-Email": "analyst"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/assets/telflow.js"])
def test_behind_a_proxy_its_header_is_demanded(
    caller: str, headers: dict[str, str], status: int, path: str, dashboard_lake: Path
) -> None:
    client = create_app(lake_settings(dashboard_lake, *PROXY)).server.test_client()
    assert client.get(path, headers=headers, environ_base={"REMOTE_ADDR": caller}).status_code == status


def test_every_response_is_protected(dashboard_lake: Path) -> None:
    response = create_app(lake_settings(dashboard_lake)).server.test_client().get("/")
    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "'sha256-" in scripts
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cache-Control"] == "no-store"
    assert "http://" not in response.text.replace("http://www.w3.org", "")
    assert "https://" not in response.text


def test_the_logo_is_part_of_the_page(tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    app = create_app(lake_settings(tmp_path, f"dashboard.logo={logo}"))
    assert "data:image/svg+xml;base64," in str(app.server.test_client().get("/_dash-layout").json)


def test_scripts_are_known_before_the_first_request(dashboard_lake: Path) -> None:
    app = create_app(lake_settings(dashboard_lake))
    before = {package: set(paths) for package, paths in app.registered_paths.items()}
    assert app.server.test_client().get("/").status_code == 200
    assert dict(app.registered_paths) == before


@pytest.mark.parametrize(("name", "told"), [("none.svg", "cannot be read"), ("logo.txt", "is no picture")])
def test_a_logo_that_is_none_is_told(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "logo.txt").write_text("x")
    with pytest.raises(SettingsError, match=told):
        create_app(lake_settings(tmp_path, f"dashboard.logo={tmp_path / name}"))


def test_the_environment_names_the_settings() -> None:
    named = environment_settings({"TELFLOW_SET": "dashboard.port=9999 'dashboard.title=Two words'"})
    assert named.dashboard.title == "Two words"
    assert gunicorn_options(named)["bind"] == "127.0.0.1:9999"


def test_the_web_process_imports_no_spark(dashboard_lake: Path) -> None:
    program = (
        "import sys; from telflow.dashboard import app, serving;"
        "app.create_app(serving.environment_settings()); sys.exit('pyspark' in sys.modules)"
    )
    environment = {"TELFLOW_SET": f"lake.root={dashboard_lake}", "PATH": "/usr/bin:/bin"}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False, timeout=60).returncode == 0


def test_starting_open_to_all_is_one_line_and_a_status() -> None:
    command = [sys.executable, "-m", "telflow.dashboard", "--set", "dashboard.host=0.0.0.0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: dashboard.host = 0.0.0.0 lets other machines in")


def answers(port: int, *headers: str) -> bytes:
    """Status line that the server answers a request with these header lines with."""
    lines = ["GET / HTTP/1.1", "Host: flows.example.org", *headers, "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.makefile("rb").readline().strip()


def test_nobody_is_let_in_by_a_header_that_only_looks_like_the_proxys(
    dashboard_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    settings = ("dashboard.login=proxy_header", "dashboard.trusted_proxies=[127.0.0.1/32]", "dashboard.workers=1")
    with running_server(dashboard_lake, tmp_path / "log", *settings) as address:
        port = int(address.rsplit(":", 1)[1])
        assert answers(port, "X-Forwarded-Email: analyst") == b"HTTP/1.1 200 OK"
        assert answers(port).split()[1] == b"401"
        assert answers(port, "X_Forwarded_Email: intruder").split()[1] == b"400"
        assert answers(port, "X_Forwarded-Email: intruder").split()[1] == b"400"
        assert answers(port, "X_Forwarded_Email: intruder", "X-Forwarded-Email: analyst").split()[1] == b"400"
        assert answers(port, "X-Forwarded-Email: intruder", "X-Forwarded-Email: analyst").split()[1] == b"401"
        assert answers(port, "X-Forwarded-Email: intruder", "x-forwarded-email: analyst").split()[1] == b"401"
        assert answers(port, "X-Forwarded-Email : intruder").split()[1] == b"400"
    assert list(home.rglob("gunicorn*")) == []


def test_both_ways_to_start_have_the_same_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELFLOW_SET", "dashboard.port=9999")
    by_file = runpy.run_module("telflow.dashboard.gunicorn_conf")
    wanted = gunicorn_options(environment_settings())
    assert {name: by_file[name] for name in wanted} == wanted
    assert (wanted["header_map"], wanted["control_socket_disable"]) == ("refuse", True)
