"""What each vendor can do, in words for whoever configures or runs it: made of the capabilities, never by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leadsvc.workers.destinations import VENDORS, capabilities
from leadsvc.workers.destinations.base import CARD_FIELDS, CORRECTIONS, Capabilities, NativeKey, UpdateMode

BEGIN = "<!-- made by `leadsvc destinations describe`; a test compares -->"
END = "<!-- end -->"

_CORRECTED = {
    "merge": "two guest cards turn out to be one renter's",
    "unmerge": "a merge was wrong",
    "contact": "another phone or e-mail",
    "source": "another first source",
    "event": "the sender corrects an inquiry",
}
_REPEATED = {
    NativeKey.THIRD_PARTY: "our key at the vendor makes a repeated write change the same record",
    NativeKey.EXTERNAL_ID: "our key is a unique field there, so a repeated write changes the same record",
    NativeKey.ID_PROPERTY: "our key is a unique property there, so a repeated write changes the same record",
    NativeKey.IDEMPOTENCY_KEY: "the vendor remembers our key of a write and answers a repetition with the first result",
    NativeKey.NONE: "nothing: it is looked for before and after every write",
}
_UPDATED = {
    UpdateMode.REIMPORT: "the whole record is imported again",
    UpdateMode.PATCH: "only what differs is sent",
    UpdateMode.REPLACE: "the record is read, completed and replaced as a whole",
    UpdateMode.VERSIONED: "only what differs is sent, under the version that was read",
    UpdateMode.NARROW: "only a few fields can be changed",
}


def task_as(can: Capabilities) -> str:
    """What a follow-up becomes at the vendor."""
    if can.has_task:
        return "task"
    if can.has_appointment:
        return "appointment"
    return "note" if can.has_event else "ours alone"


def markdown(vendors: Iterable[str] = VENDORS) -> str:
    """A comparison of ``vendors`` and a section for each."""
    told = [(vendor, capabilities(vendor)) for vendor in vendors]
    return "\n\n".join([_comparison(told), *(_section(vendor, can) for vendor, can in told)]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(each.replace('|', '/') for each in line)} |" for line in lines)


def _comparison(told: Iterable[tuple[str, Capabilities]]) -> str:
    head = ("vendor", "a repeated write", "follow-up", "merges", "local time", "calls allowed")
    return _table(
        head,
        (
            (
                f"[{can.label or vendor}](#{vendor})",
                "safe" if can.native_key is not NativeKey.NONE else "looked for first",
                task_as(can),
                "by itself" if can.can_merge else "a person",
                _zone(can),
                ", ".join(f"{calls:,} in {window}" for window, calls in can.limits.items()) or "none known",
            )
            for vendor, can in told
        ),
    )


def _zone(can: Capabilities) -> str:
    return {"utc": "UTC", "property": "the property's"}.get(can.time_zone_rule, can.time_zone_rule)


def _section(vendor: str, can: Capabilities) -> str:
    parts = [
        f'<a id="{vendor}"></a>\n\n### {can.label or vendor} (`vendor: {vendor}`)',
        "\n".join(f"- **{what}**: {words}" for what, words in _facts(can) if words),
        _table(
            ("field", "longest", ""),
            ((name, str(can.max_len.get(name, "")), _field(name, can)) for name in CARD_FIELDS if name in can.fields),
        ),
    ]
    if can.credentials:
        rows = ((f"`{name}`", words) for name, words in can.credentials.items())
        parts.append(_table(("credential", "what it is"), rows))
    if can.options:
        parts.append(_table(("option", "what it is"), ((f"`{name}`", words) for name, words in can.options.items())))
    parts.append(
        _table(
            ("what turns out", "what happens there"),
            ((_CORRECTED[kind], can.corrections.get(kind, "") or "Corrected by itself.") for kind in CORRECTIONS),
        )
    )
    return "\n\n".join(parts)


def _facts(can: Capabilities) -> list[tuple[str, str]]:
    seen = f" What is written may stay invisible for {can.read_back_delay_s:g} s." if can.read_back_delay_s else ""
    found = ", ".join(name.replace("_", " ") for name in can.find_by) or "nothing can be searched"
    return [
        ("A person it has already", can.on_duplicate),
        ("Ids", can.ids),
        ("A repeated write is safe because", f"{_REPEATED[can.native_key]}.{seen}"),
        ("A change", f"{_UPDATED[can.update_mode]}."),
        ("Found by", f"{found}."),
        (
            "A follow-up becomes",
            {"ours alone": "nothing there: it is on our card alone"}.get(task_as(can), task_as(can)),
        ),
        ("A household", "may share one card." if can.co_prospects else "has a card for each of its people."),
        ("Times", f"{_zone(can)}."),
        ("A sign-in lasts", f"{can.token_life_s} s, and is renewed by itself." if can.token_life_s else ""),
        *((f"Only values of {name.replace('_', ' ')}", ", ".join(values)) for name, values in can.enumerations.items()),
    ]


def _field(name: str, can: Capabilities) -> str:
    words = ["must be there"] if name in can.required else []
    return ", ".join([*words, *(["written once"] if name in can.fixed else [])])


def updated(document: str) -> str:
    """``document`` with what stands between the marks made anew; :class:`ValueError` when it has none."""
    before, found, rest = document.partition(BEGIN)
    _, also, after = rest.partition(END)
    if not (found and also):
        raise ValueError(f"the document has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"
