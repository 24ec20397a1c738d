"""The source report as a page, as a file, and the guest cards behind one of its lines."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, render_template, request

from leadsvc.attribution import MODELS, WHOLE
from leadsvc.reports import formats
from leadsvc.reports.asking import WORDS, row_from, wanted_from
from leadsvc.reports.sources import CONVERSIONS, SourceReport, Wanted, source_report, source_report_cards
from leadsvc.store.queries.cards import list_properties
from leadsvc.web.guard import now, record, services


def sources() -> str:
    """Touches, leads and credit by source, campaign, property and month."""
    words = _words()
    with services().store.read() as connection:
        places = list_properties(connection)
    made = _report(words)
    return render_template(
        "web/sources.html",
        report=made,
        header=formats.header(made),
        month=formats.month,
        behind=lambda key: words | {f"of-{name}": value for name, value in formats.key_json(key).items()},
        words=words,
        places=places,
        models=tuple(MODELS),
        conversions=CONVERSIONS,
        whole=WHOLE,
    )


def sources_csv() -> Response:
    """The same figures for a spreadsheet."""
    made = _report(_words())
    name = f"sources-{formats.month(made.wanted.first_month)}-{formats.month(made.wanted.last_month)}.csv"
    response = Response(formats.to_csv(made), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def source_cards() -> str:
    """The guest cards behind one line: ``of-…`` name the line, the other words the report."""
    words = _words()
    line = {name.removeprefix("of-"): value for name, value in request.args.items() if name.startswith("of-")}
    with services().store.read() as connection:
        key = row_from(connection, line)
        cards = source_report_cards(connection, _wanted(words), key, now=now())
    record("report.cards", cards=[card.key for card in cards[:500]])
    return render_template("web/source_cards.html", cards=cards, line=line, words=words, whole=WHOLE)


def _words() -> dict[str, str]:
    return {name: request.args[name][:100] for name in WORDS if request.args.get(name)}


def _wanted(words: Mapping[str, str]) -> Wanted:
    window = services().settings.policy.attribution_window_days
    with services().store.read() as connection:
        return wanted_from(connection, words, now=now(), window_days=window)


def _report(words: Mapping[str, str]) -> SourceReport:
    wanted = _wanted(words)
    with services().store.read() as connection:
        return source_report(connection, wanted, now=now())
