"""The dashboard as a WSGI application, under the settings that the environment names."""

from telflow.dashboard.serving import environment_settings, warm_server

server = warm_server(environment_settings())
