"""Configuration of gunicorn's command line.

``gunicorn --config python:telflow.dashboard.gunicorn_conf telflow.dashboard.wsgi:server``
"""

from telflow.dashboard.access import check_access
from telflow.dashboard.serving import environment_settings, gunicorn_options

settings = environment_settings()
check_access(settings.dashboard)
options = gunicorn_options(settings)
bind, workers, threads = options["bind"], options["workers"], options["threads"]
worker_class, timeout, preload_app = options["worker_class"], options["timeout"], options["preload_app"]
graceful_timeout = options["graceful_timeout"]
forwarded_allow_ips, forwarder_headers = options["forwarded_allow_ips"], options["forwarder_headers"]
header_map, control_socket_disable = options["header_map"], options["control_socket_disable"]
