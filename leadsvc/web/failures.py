"""Errors as pages that say what to do next. Addresses under ``/v1`` belong to the API and answer in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from leadsvc import errors
from leadsvc.logs import logger, places
from leadsvc.web.guard import after_page

_log = logger("web")

_TITLES = {
    400: ("That did not work", "The request was not complete. Go back, load the page again and repeat what you did."),
    403: ("Not yours to see", "Your account may not open this page. An administrator can."),
    404: ("Nothing here", "There is nothing at this address. It may have been mistyped."),
    405: ("Not this way", "This address is only for forms. Start from the guest cards."),
    413: ("Too much", "That was more than this page takes."),
    500: ("Our mistake", "Something went wrong here and was written to the log. Nothing you entered was half done."),
    503: ("Back in a moment", "The database does not answer. Nothing was changed; try again in a minute."),
}


def register_pages(web: Blueprint) -> None:
    """Handlers for errors inside the pages."""
    web.register_error_handler(CSRFError, _expired)
    web.register_error_handler(HTTPException, _http)
    web.register_error_handler(errors.LeadsvcError, _ours)
    # Any other exception: caught here because Flask would log its message, which may quote a renter.
    web.register_error_handler(Exception, _broken)


def register(app: Flask) -> None:
    """A page for addresses that belong to nobody. Whoever handled errors of the whole app before is asked first."""
    others: Callable[[HTTPException], Any] | None = app.error_handler_spec[None][None].get(HTTPException)

    def unknown(error: NotFound) -> Any:
        answer = others(error) if others else error
        return after_page(_page(404, *_TITLES[404])) if answer is error else answer

    app.register_error_handler(404, unknown)


def _page(status: int, title: str, detail: str) -> Response:
    body = render_template("web/error.html", status=status, title=title, detail=detail, signed_in="user" in g)
    return Response(body, status, content_type="text/html; charset=utf-8")


def _http(error: HTTPException) -> BaseResponse:
    if isinstance(error.response, BaseResponse):
        return error.response
    status = error.code or 500
    title, detail = _TITLES.get(status, ("That did not work", "Go back and try again."))
    return _page(status, title, detail)


def _expired(_error: CSRFError) -> BaseResponse:
    if request.endpoint == "web.sign_in_check":
        return redirect(url_for("web.sign_in"), 303)
    return _page(
        400, "This form is too old", "Nothing was changed. Go back, load the page again and repeat what you did."
    )


def _ours(error: errors.LeadsvcError) -> Response:
    if isinstance(error, errors.NotFound):
        return _page(404, "Nothing here", str(error))
    if isinstance(error, errors.Reject):
        return _page(error.status, error.title, error.detail)
    if isinstance(error, errors.Conflict):
        return _page(409, "Somebody was quicker", "This was changed at the same moment. Load the page again and look.")
    if isinstance(error, errors.Unavailable):
        return _page(503, *_TITLES[503])
    return _page(422, "That did not work", str(error))


def _broken(error: Exception) -> Response:
    _log.error("page failed", endpoint=request.endpoint, **places(error))
    return _page(500, *_TITLES[500])
