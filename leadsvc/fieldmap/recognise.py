"""Whether a payload is one a map reads. All conditions of one set must hold; a map may have several sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from leadsvc.fieldmap.paths import holds, searched, words_in
from leadsvc.normalize.records import KeyedRecord, MailRecord, Record, XmlRecord, fold_key
from leadsvc.normalize.text import as_text

Condition: TypeAlias = Callable[[Record], bool]


def compile_recogniser(spec: Any) -> Condition:
    """``spec`` has passed the schema: one set of conditions, or a list of sets of which one must hold."""
    sets = [_all(one) for one in (spec if isinstance(spec, list) else [spec])]
    if len(sets) == 1:
        return sets[0]

    def any_holds(record: Record) -> bool:
        # A loop: dozens of these look at each mail, and a generator costs more than most conditions.
        for one in sets:  # noqa: SIM110  # see above
            if one(record):
                return True
        return False

    return any_holds


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    """Compiled when first searched with: most runs never come to most of the patterns of all maps."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def _all(spec: Mapping[str, Any]) -> Condition:
    # The cheap ones come first in CONDITIONS, so a mail of another sender costs one comparison.
    conditions = [compiler(spec[name]) for name, compiler in CONDITIONS.items() if name in spec]

    def all_hold(record: Record) -> bool:
        for condition in conditions:  # noqa: SIM110  # as in any_holds
            if not condition(record):
                return False
        return True

    return all_hold


def _format(names: Sequence[str]) -> Condition:
    wanted = frozenset(names)
    return lambda record: record.format in wanted


def _from(senders: Sequence[str]) -> Condition:
    """``name@domain`` exactly, ``@domain`` for the domain, ``.domain`` for the domain and all below it."""
    exact = frozenset(sender.lower() for sender in senders if not sender.startswith("."))
    below = tuple(sender.lower() for sender in senders if sender.startswith("."))

    def sender_is(record: Record) -> bool:
        if not isinstance(record, MailRecord):
            return False
        address, domain = record.sender.address, record.sender.domain
        return address in exact or f"@{domain}" in exact or (bool(below) and f".{domain}".endswith(below))

    return sender_is


def _not_from(senders: Sequence[str]) -> Condition:
    sender_is = _from(senders)
    return lambda record: not sender_is(record)


def _keys(names: Sequence[str]) -> Condition:
    wanted = [fold_key(name) for name in names]
    return lambda record: isinstance(record, KeyedRecord) and all(name in record.values for name in wanted)


def _any_keys(names: Sequence[str]) -> Condition:
    wanted = [fold_key(name) for name in names]
    return lambda record: isinstance(record, KeyedRecord) and any(name in record.values for name in wanted)


def _no_keys(names: Sequence[str]) -> Condition:
    wanted = [fold_key(name) for name in names]
    return lambda record: isinstance(record, KeyedRecord) and not any(name in record.values for name in wanted)


def _keys_like(patterns: Sequence[str]) -> Condition:
    return lambda record: (
        isinstance(record, KeyedRecord)
        and all(any(_regex(pattern).search(words_in(name)) for name in record.names) for pattern in patterns)
    )


def _values(patterns: Mapping[str, str]) -> Condition:
    wanted = [(fold_key(name), pattern) for name, pattern in patterns.items()]
    return lambda record: (
        not isinstance(record, MailRecord)
        and all(_regex(pattern).search(as_text(record.values.get(name))) for name, pattern in wanted)
    )


def _texts(*, wanted: bool) -> Callable[[Sequence[str]], Condition]:
    """Whether one text of a form, a JSON object or a row is like one of the patterns."""

    def compiler(patterns: Sequence[str]) -> Condition:
        def found(record: KeyedRecord) -> bool:
            texts = [value for value in record.values.values() if isinstance(value, str)]
            return any(_regex(pattern).search(as_text(text)) for pattern in patterns for text in texts)

        return lambda record: isinstance(record, KeyedRecord) and found(record) is wanted

    return compiler


def _jmespath(expressions: Sequence[str]) -> Condition:
    return lambda record: (
        isinstance(record, KeyedRecord) and all(searched(expression, record.tree) for expression in expressions)
    )


def _xpath(expressions: Sequence[str]) -> Condition:
    return lambda record: (
        isinstance(record, XmlRecord) and all(holds(expression, record.root) for expression in expressions)
    )


def _headers(patterns: Mapping[str, str]) -> Condition:
    wanted = [(name.lower(), pattern) for name, pattern in patterns.items()]
    return lambda record: (
        isinstance(record, MailRecord)
        and all(any(_regex(pattern).search(v) for v in record.headers.get(name, ())) for name, pattern in wanted)
    )


def _report(wanted: bool) -> Condition:
    return lambda record: isinstance(record, MailRecord) and record.report is wanted


def _searches(text_of: Callable[[MailRecord], str], *, wanted: bool) -> Callable[[Sequence[str]], Condition]:
    def compiler(patterns: Sequence[str]) -> Condition:
        def searched_for(record: Record) -> bool:
            if not isinstance(record, MailRecord):
                return False
            text = text_of(record)
            for pattern in patterns:
                if _regex(pattern).search(text):
                    return wanted
            return not wanted

        return searched_for

    return compiler


def _subject_of(record: MailRecord) -> str:
    return record.topic


def _sender_name_of(record: MailRecord) -> str:
    return record.sender.name


def _body_of(record: MailRecord) -> str:
    return record.searchable


CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {
    "format": _format,
    "from": _from,
    "not_from": _not_from,
    "keys": _keys,
    "any_keys": _any_keys,
    "no_keys": _no_keys,
    "keys_like": _keys_like,
    "values": _values,
    "text": _texts(wanted=True),
    "not_text": _texts(wanted=False),
    "jmespath": _jmespath,
    "xpath": _xpath,
    "report": _report,
    "headers": _headers,
    "from_name": _searches(_sender_name_of, wanted=True),
    "not_from_name": _searches(_sender_name_of, wanted=False),
    "subject": _searches(_subject_of, wanted=True),
    "not_subject": _searches(_subject_of, wanted=False),
    "body": _searches(_body_of, wanted=True),
    "not_body": _searches(_body_of, wanted=False),
}
