"""Who may see the dashboard: on loopback whoever is at the machine, anywhere else whoever has logged in.

Without a login the dashboard refuses to listen anywhere but on loopback, and answers neither other machines nor other
host names (a page elsewhere could have its own name resolve to loopback). Behind a reverse proxy it answers the
proxy's addresses alone, and only requests in which the proxy names who logged in. Or it asks by OpenID Connect itself.
"""

from ipaddress import ip_address, ip_network

from flask import Flask, Request, Response, request

from telflow.dashboard.login import add_login, check_login
from telflow.errors import AccessError
from telflow.settings import DashboardSettings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def is_loopback(address: str) -> bool:
    """Whether ``address`` is this machine itself, by name or number."""
    if address in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def check_access(dashboard: DashboardSettings) -> None:
    """Refuse settings under which others than the user of this machine could see the dashboard unasked.

    Raises:
        AccessError: it says which setting to change.
    """
    if dashboard.login == "none":
        if not is_loopback(dashboard.host):
            raise AccessError(
                f"dashboard.host = {dashboard.host} lets other machines in, and dashboard.login = none asks nobody "
                "who they are: set dashboard.login=oidc, or proxy_header with dashboard.trusted_proxies, or listen on "
                "127.0.0.1"
            )
    elif dashboard.login == "oidc":
        check_login(dashboard)
    elif not dashboard.trusted_proxies:
        raise AccessError(
            "dashboard.login = proxy_header believes a header that anybody can write: name the addresses the proxy "
            "calls from in dashboard.trusted_proxies, such as [10.0.0.5/32]"
        )
    elif everybody := [proxy for proxy in dashboard.trusted_proxies if ip_network(proxy).prefixlen == 0]:
        raise AccessError(
            f"dashboard.trusted_proxies = {everybody[0]} is every address, and the header is anybody's: name the "
            "addresses the proxy calls from, such as [10.0.0.5/32]"
        )
    elif not dashboard.login_header.strip():
        raise AccessError("dashboard.login = proxy_header: name the header with the user in dashboard.login_header")


def guard(server: Flask, dashboard: DashboardSettings) -> None:
    """Let ``server`` answer those alone whom the settings let in.

    Raises:
        AccessError: the settings let everybody in.
    """
    check_access(dashboard)

    def refuse_strangers() -> Response | None:
        told = refusal(request, dashboard)
        return None if told is None else Response(told[1], status=told[0], mimetype="text/plain")

    server.before_request(refuse_strangers)
    if dashboard.login == "oidc":
        add_login(server, dashboard)


def refusal(asked: Request, dashboard: DashboardSettings) -> tuple[int, str] | None:
    """Status and words a request is refused with; None where it is let in."""
    if dashboard.login == "oidc":
        return None  # the login decides
    caller = asked.remote_addr or ""
    if dashboard.login == "proxy_header":
        if not is_trusted(caller, dashboard.trusted_proxies):
            return 403, "The dashboard answers its reverse proxy alone: see dashboard.trusted_proxies.\n"
        return refusal_of_user(asked.headers.get(dashboard.login_header, ""), dashboard.login_header)
    host = asked.host.rsplit(":", 1)[0] if not asked.host.endswith("]") else asked.host
    is_local = is_loopback(caller) and is_loopback(host)
    if not is_local or any(header in asked.headers for header in FORWARDED):
        return 403, "The dashboard is open to this machine alone: set dashboard.login to let others in.\n"
    return None


def refusal_of_user(user: str, header: str) -> tuple[int, str] | None:
    """Status and words where a request names nobody, or more than one: a proxy that adds to what a browser sent."""
    if not user.strip():
        return 401, f"Not logged in: the reverse proxy sent no {header}.\n"
    if "," in user:  # servers join headers of one name by it
        return (
            401,
            f"Not logged in: {header} came more than once; the reverse proxy has to replace what a browser sends.\n",
        )
    return None


def is_trusted(caller: str, proxies: tuple[str, ...]) -> bool:
    """Whether the address ``caller`` lies in one of the networks ``proxies``."""
    try:
        address = ip_address(caller.lower().removeprefix("::ffff:"))  # as a socket of both kinds writes IPv4
    except ValueError:
        return False
    return any(address in ip_network(proxy) for proxy in proxies)
