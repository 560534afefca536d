"""Headers that keep a page to itself: what a browser may load, and that nobody may frame it."""

from collections.abc import Sequence

from flask import Flask, Response


def content_policy(script_hashes: Sequence[str]) -> str:
    """Content security policy. Styles are inline, as plotly and the grid write them; of scripts, Dash's own alone."""
    hashes = " ".join(f"'{one.strip(chr(39))}'" for one in script_hashes)
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' {hashes}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def protect(server: Flask, script_hashes: Sequence[str]) -> None:
    """Send the headers with every response of ``server``."""
    policy = content_policy(script_hashes)

    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if response.mimetype in ("application/json", "text/html"):
            response.headers["Cache-Control"] = "no-store"
        return response

    server.after_request(add_headers)
