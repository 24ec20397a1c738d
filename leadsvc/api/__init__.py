"""The HTTP API: leads in, what became of them out, health, and the document that describes it all."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from leadsvc import __version__
from leadsvc.api import access, docs, doing, feeds, health, leads, letters, naming, reading, reports
from leadsvc.api.state import attach
from leadsvc.api.views import ProblemApi, describe_credentials
from leadsvc.services import Services

_ABOUT = "\n\n".join(
    (
        "Every lead enters once, is cleaned, joined to its person, credited to its source, and delivered.",
        "Send with POST to your feed's address. 200 means that the receipt is on disk. 503 and 429 carry Retry-After "
        "and mean that nothing was recorded: send the same request again. A request sent twice never is two leads.",
        "Credentials are kept in memory for at most five seconds: a new or revoked one takes effect within that time.",
    )
)


def register(app: Flask, services: Services) -> None:
    """Give ``app`` the API's addresses. Client addresses come from ``settings.trusted_proxies`` many proxies back."""
    attach(app, services)
    if hops := services.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask documents it
    app.config.update(
        API_TITLE=f"{services.settings.operator} leads API", API_VERSION=__version__, OPENAPI_VERSION="3.1.0"
    )
    app.config["OPENAPI_URL_PREFIX"] = None  # docs.py serves the document
    api: Any = ProblemApi(app, spec_kwargs={"info": {"description": _ABOUT}})
    describe_credentials(api)
    for group in (leads, reading, reports, feeds, doing, naming, letters, health):
        api.register_blueprint(group.blueprint)
    app.register_blueprint(docs.blueprint(api.spec.to_dict()))
    access.watch(app)
