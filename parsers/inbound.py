"""Mails that a provider posts as a web hook: each becomes the mail that came to the provider.

One module a provider, each with ``mail_of(hook) -> MailRecord | None``; ``None`` means that it is not this provider's.
To add one: its module beside this file, a line in ``_PROVIDERS``, a wrapper in ``tests/inbound.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from leadsvc.normalize.records import KeyedRecord, MailRecord
from leadsvc.parsers import inbound_cloudmailin, inbound_mailgun, inbound_postmark, inbound_sendgrid, inbound_ses
from leadsvc.parsers.hook import File, Hook
from leadsvc.parsers.multipart import Part

_PROVIDERS: Mapping[str, Callable[[Hook], MailRecord | None]] = {
    "sendgrid": inbound_sendgrid.mail_of,
    "mailgun": inbound_mailgun.mail_of,
    "postmark": inbound_postmark.mail_of,
    "ses": inbound_ses.mail_of,
    "cloudmailin": inbound_cloudmailin.mail_of,
}


def mail_in_record(record: KeyedRecord) -> MailRecord | None:
    """The mail in a form or a JSON object, or ``None`` when it is no provider's web hook.

    Raises :class:`leadsvc.errors.Quarantine` for a hook that does not hold its mail, saying where the mail is.
    """
    if not isinstance(record.root, Mapping):
        return None
    if record.format == "form":
        return _mail(Hook(fields={str(name): str(value).encode() for name, value in record.root.items()}))
    return _mail(Hook(json=record.root)) or _mail(Hook(fields=_posted_on(record.root)))


def _posted_on(root: Mapping[str, object]) -> dict[str, bytes]:
    """The fields of a provider's form that a relay posted on as JSON. Its texts were decoded on the way, so the
    charsets that the provider named hold no longer."""
    fields = {
        str(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in root.items()
        if value is not None
    }
    if "charsets" in fields:
        fields["charsets"] = "{}"
    return {name: text.encode("utf-8", "replace") for name, text in fields.items()}


def mail_in_parts(parts: tuple[Part, ...]) -> MailRecord | None:
    """The same for a multipart form."""
    fields: dict[str, bytes] = {}
    files: list[File] = []
    for part in parts:
        if part.filename:
            files.append(File(part.content_type, part.filename, part.data))
        else:
            fields.setdefault(part.name, part.data)
    return _mail(Hook(fields=fields, files=tuple(files)))


def _mail(hook: Hook) -> MailRecord | None:
    for mail_of in _PROVIDERS.values():
        if (mail := mail_of(hook)) is not None:
            return mail
    return None
