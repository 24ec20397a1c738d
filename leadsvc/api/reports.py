"""The source report for programs and spreadsheets. It holds no personal data: nothing here leaves an audit row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Response
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy import Connection

from leadsvc.api import examples
from leadsvc.api.auth import reader
from leadsvc.api.state import state
from leadsvc.api.views import new_blueprint, reply, view
from leadsvc.attribution import MODELS, Scope
from leadsvc.reports import formats
from leadsvc.reports.asking import ALL_MODELS, row_from, wanted_from
from leadsvc.reports.sources import CONVERSIONS, Wanted, source_report, source_report_cards

blueprint = new_blueprint("reports", "Figures worked out from the stored facts, as of the moment of asking.")

_MONTH = validate.Regexp(r"(\d{4}-\d{2})?\Z", error="Write a month as YYYY-MM.")


def _word(description: str, *choices: str, longest: int = 200) -> fields.String:
    check = validate.OneOf(("", *choices)) if choices else validate.Length(max=longest)
    return fields.String(load_default="", validate=check, metadata={"description": description})


class Asked(Schema):
    """What is asked for. A schema by parts, because ``from`` is a word of Python."""

    class Meta:
        unknown = EXCLUDE
        include = {  # noqa: RUF012 - marshmallow reads it once, as the class is made
            "from": fields.String(
                load_default="",
                validate=_MONTH,
                metadata={"description": "First month, YYYY-MM, each property's own; left out, the same as the last."},
            )
        }

    to = fields.String(
        load_default="", validate=_MONTH, metadata={"description": "Last month; left out, the present one of UTC."}
    )
    property = _word("One property: its id, here or at the PMS, or its name; or unplaced.")
    source = _word("Only rows of this source's slug.")
    model = _word("Which credits; all when left out.", *MODELS, ALL_MODELS)
    conversion = _word("What is credited; lead when left out.", *CONVERSIONS)
    window = _word("Days before the conversion in which touches count; the operator's when left out.", longest=6)
    scope = _word("Touches at the converting property, or anywhere in the portfolio.", *Scope)


class SourceQuery(Asked):
    format = fields.String(load_default="json", validate=validate.OneOf(("json", "csv")))


class RowQuery(Asked):
    month = fields.String(required=True, validate=_MONTH, metadata={"description": "Of the row."})
    campaign = _word("Of the row.", longest=1000)


class FiguresView(Schema):
    touches = fields.Integer(required=True, metadata={"description": "Inquiries, repeats included."})
    collapsed_touches = fields.Integer(required=True, metadata={"description": "Without repeats within 24 h."})
    leads = fields.Integer(required=True, metadata={"description": "Guest cards first heard of in this month."})
    unidentified_leads = fields.Integer(required=True, metadata={"description": "With no address of their own."})
    unidentified_share_micros = fields.Integer(required=True, allow_none=True)
    credit_micros = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "By model; 1,000,000 is one conversion."},
    )


class SourceRowView(FiguresView):
    month = fields.String(required=True)
    property = fields.String(required=True, metadata={"description": "Id, or unplaced."})
    property_name = fields.String(required=True)
    time_zone = fields.String(required=True)
    source = fields.String(required=True, metadata={"description": "Slug, or unattributed."})
    source_name = fields.String(required=True)
    campaign = fields.String(required=True)


class SourcesView(Schema):
    as_of = fields.AwareDateTime(required=True)
    conversion = fields.String(required=True)
    models = fields.List(fields.String(), required=True)
    window_days = fields.Integer(required=True)
    scope = fields.String(required=True)
    collapse_hours = fields.Integer(required=True)
    micros_per_conversion = fields.Integer(required=True)
    header = fields.Dict(required=True, metadata={"description": "How to read the figures, in words."})
    conversions = fields.Integer(required=True)
    totals = fields.Nested(FiguresView, required=True)
    rows = fields.List(fields.Nested(SourceRowView), required=True)


class CardPart(FiguresView):
    guest_card = fields.String(required=True, metadata={"description": "Key."})


class CardsView(Schema):
    as_of = fields.AwareDateTime(required=True)
    guest_cards = fields.List(fields.Nested(CardPart), required=True)


@view(blueprint, "/reports/sources", SourcesView, query=SourceQuery, security=examples.READING)
def report_sources(query: Mapping[str, str]) -> Response:
    """What each source and campaign brought

    By property and property-local month: touches, leads and exact credit. `format=csv` gives the rows for a
    spreadsheet.
    """
    reader("staff:read")
    now = state().services.clock()
    with state().services.store.read() as connection:
        made = source_report(connection, _wanted(connection, query, now), now=now)
    if query["format"] == "json":
        return reply(formats.to_json(made))
    headers = {"Content-Disposition": 'attachment; filename="sources.csv"', "Cache-Control": "private, no-cache"}
    return Response(formats.to_csv(made), content_type="text/csv; charset=utf-8; header=present", headers=headers)


@view(blueprint, "/reports/sources/guest-cards", CardsView, query=RowQuery, security=examples.READING)
def report_source_cards(query: Mapping[str, str]) -> Response:
    """The guest cards behind one row, each with its part of the figures

    Ask with the words the report was asked with, and the row's month, property, source and campaign.
    """
    reader("staff:read")
    now = state().services.clock()
    with state().services.store.read() as connection:
        key = row_from(connection, query)
        asked = _wanted(connection, {**query, "from": query["month"], "to": query["month"], "source": ""}, now)
        cards = source_report_cards(connection, asked, key, now=now)
    return reply({"as_of": formats.instant(now), "guest_cards": formats.cards_json(cards)})


def _wanted(connection: Connection, query: Mapping[str, str], now: datetime) -> Wanted:
    days = state().services.settings.policy.attribution_window_days
    return wanted_from(connection, query, now=now, window_days=days)
