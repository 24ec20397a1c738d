"""The pages: rendered here, readable without JavaScript, behind a local sign-in. ``register`` puts them into an app."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, url_for

from leadsvc.resolve.stage import STANDINGS
from leadsvc.services import Services
from leadsvc.store.queries.households import households
from leadsvc.web import (
    doings,
    failures,
    fields,
    figures,
    guard,
    inert,
    joins,
    letters,
    mapping,
    pages,
    signin,
    tray,
    waterfall,
    words,
)
from leadsvc.web.throttle import Throttle

_HERE = Path(__file__).parent


def register(app: Flask, services: Services) -> None:
    """Add the pages to ``app``. Sets cookie, session and CSRF settings; touches no address but the pages' own."""
    https = services.settings.public_url.startswith("https://")
    app.secret_key = app.secret_key or services.settings.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="__Host-leadsvc" if https else "leadsvc",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=guard.IDLE + timedelta(minutes=1),
        WTF_CSRF_CHECK_DEFAULT=False,  # the pages' guard checks; the API has credentials of its own and no cookie
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # it wants a Referer, which these pages never send
    )
    app.extensions["leadsvc.web"] = services
    app.extensions["leadsvc.throttle"] = Throttle(services.settings.redis_url)
    guard.csrf.init_app(app)
    _prepare_templates(app, services)
    app.register_blueprint(_blueprint())
    failures.register(app)


def _prepare_templates(app: Flask, services: Services) -> None:
    environment = app.jinja_env
    environment.finalize = inert.finalize
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(
        word=words.word,
        when=words.when,
        ago=words.ago,
        due=words.due,
        phone=words.phone,
        mailto=inert.mailto,
        tel=inert.tel,
        shorten=inert.shorten,
        prospect_keys=words.prospect_keys,
        owed=words.owed,
        field_label=fields.label_of,
    )
    environment.globals.update(
        field_lines=fields.lines,
        field_doubts=fields.doubts,
        layout_of=lambda map_id: getattr(services.intake.maps.maps.get(map_id), "confidence", ""),
        field_facts=fields.facts,
        identity=fields.identity,
        tell=joins.tell,
        households=households,
        side_by_side=fields.side_by_side,
        standings=STANDINGS[1:],
        waterfall=waterfall.waterfall,
        field_shown=fields.shown,
        outcome_kinds=doings.OUTCOMES,
        asset=_asset,
        operator=services.settings.operator,
    )


@cache
def _version(name: str) -> str:
    return hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:12]


def _asset(name: str) -> str:
    """The address of a static file, different for every content so that it can be cached for ever."""
    return url_for("web.static", filename=name, v=_version(name))


def _blueprint() -> Blueprint:
    web = Blueprint("web", __name__, template_folder="templates", static_folder="static", static_url_path="/static/web")
    web.before_request(guard.before_page)
    web.after_request(guard.after_page)
    _doors(web)
    _views(web)
    _changes(web)
    failures.register_pages(web)
    return web


def _doors(web: Blueprint) -> None:
    web.add_url_rule("/sign-in", view_func=signin.sign_in, methods=["GET"])
    web.add_url_rule("/sign-in", view_func=signin.sign_in_check, methods=["POST"])
    web.add_url_rule("/sign-out", view_func=signin.sign_out, methods=["POST"])
    web.add_url_rule("/welcome/<token>", view_func=signin.welcome, methods=["GET"])
    web.add_url_rule("/welcome/<token>", view_func=signin.welcome_set, methods=["POST"])


def _views(web: Blueprint) -> None:
    web.add_url_rule("/", view_func=pages.inbox)
    web.add_url_rule("/guest-cards/<key>", view_func=pages.guest_card)
    web.add_url_rule("/prospects/<key>", view_func=pages.prospect)
    web.add_url_rule("/prospects/<key>/compare", view_func=doings.compare)
    web.add_url_rule("/exceptions", view_func=pages.exceptions)
    web.add_url_rule("/dead-letters", view_func=letters.letters)
    web.add_url_rule("/dead-letters/replay", endpoint="letters_replay", view_func=letters.many)
    web.add_url_rule("/dead-letters/<uuid:letter_id>", view_func=letters.letter)
    web.add_url_rule("/dead-letters/kept-back/<name>", endpoint="kept_back", view_func=letters.kept_back)
    web.add_url_rule("/reviews", view_func=pages.reviews)
    web.add_url_rule("/reviews/next", view_func=doings.next_review)
    web.add_url_rule("/tray", view_func=tray.tray)
    web.add_url_rule("/mapping", view_func=mapping.mapping)
    web.add_url_rule("/receipts/<uuid:receipt_id>", view_func=pages.receipt)
    web.add_url_rule("/receipts/<uuid:receipt_id>/raw", view_func=pages.receipt_raw)
    web.add_url_rule("/decisions/<uuid:decision_id>/unmerge", view_func=doings.unmerge_preview)
    web.add_url_rule("/reports/sources", view_func=figures.sources)
    web.add_url_rule("/reports/sources.csv", view_func=figures.sources_csv)
    web.add_url_rule("/reports/sources/cards", view_func=figures.source_cards)
    web.add_url_rule("/audit", view_func=pages.audit)
    web.add_url_rule("/help", view_func=pages.keyboard)


def _changes(web: Blueprint) -> None:
    web.add_url_rule("/guest-cards/<key>/place", view_func=doings.place, methods=["POST"])
    web.add_url_rule("/guest-cards/<key>/edit", view_func=doings.edit, methods=["POST"])
    web.add_url_rule("/guest-cards/<key>/outcome", view_func=doings.outcome, methods=["POST"])
    web.add_url_rule("/tasks/<uuid:task_id>/done", view_func=doings.task_done, methods=["POST"])
    web.add_url_rule("/decisions/<uuid:decision_id>/unmerge", view_func=doings.unmerge, methods=["POST"])
    web.add_url_rule("/prospects/<key>/decide", view_func=doings.decide, methods=["POST"])
    web.add_url_rule("/prospects/<key>/household", view_func=doings.household, methods=["POST"])
    web.add_url_rule("/receipts/<uuid:receipt_id>/lead", view_func=tray.make_lead, methods=["POST"])
    web.add_url_rule("/receipts/<uuid:receipt_id>/dismiss", view_func=tray.dismiss, methods=["POST"])
    web.add_url_rule("/receipts/replay", view_func=doings.replay, methods=["POST"])
    web.add_url_rule("/deliveries/<uuid:delivery_id>/<what>", view_func=doings.delivery, methods=["POST"])
    web.add_url_rule("/dead-letters/replay", endpoint="letters_send", view_func=letters.send_many, methods=["POST"])
    web.add_url_rule("/dead-letters/<uuid:letter_id>", endpoint="letter_send", view_func=letters.send, methods=["POST"])
    web.add_url_rule("/dead-letters/kept-back/<name>", endpoint="release", view_func=letters.release, methods=["POST"])
    web.add_url_rule(
        "/dead-letters/<uuid:letter_id>/cancel", endpoint="letter_cancel", view_func=letters.cancel, methods=["POST"]
    )
    web.add_url_rule("/names/<uuid:name_id>/<what>", endpoint="name_do", view_func=mapping.answer, methods=["POST"])
    web.add_url_rule("/exceptions/<uuid:exception_id>/resolve", view_func=doings.resolve, methods=["POST"])
