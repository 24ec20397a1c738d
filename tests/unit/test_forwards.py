"""Forwarded mails: whatever program, language and depth, what was forwarded is read as if it had come by itself."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import pytest

from leadsvc.fieldmap import MapSet, load_maps
from leadsvc.flat import row_of
from leadsvc.model import Channel, Delivered, Lead, Verdict
from leadsvc.normalize.forwards import bare_subject, forwarded, is_forward, is_reply
from leadsvc.reading import read

RECEIVED = datetime(2026, 2, 10, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parent.parent / "fixtures"
LEAD = FIXTURES / "apartments_com_mail" / "apartments_com.eml"
AGENT = "Dana Cole <dana.cole@oakline-living.com>"

# From, date, to and subject as the mail programs of these languages write them, and the line above, if any.
PROGRAMS = {
    "gmail": ("---------- Forwarded message ---------", "From", "Date", "To", "Subject"),
    "apple": ("Begin forwarded message:", "From", "Date", "To", "Subject"),
    "outlook_old": ("________________________________", "From", "Sent", "To", "Subject"),
    "outlook_new": ("", "From", "Sent", "To", "Subject"),
    "yahoo": ("----- Forwarded Message -----", "From", "Sent", "To", "Subject"),
    "aol": ("-----Original Message-----", "From", "Sent", "To", "Subject"),
    "thunderbird": ("-------- Forwarded Message --------", "From", "Date", "To", "Subject"),
    "german": ("---------- Weitergeleitete Nachricht ---------", "Von", "Gesendet", "An", "Betreff"),
    "french": ("---------- Message transféré ---------", "De", "Envoyé", "À", "Objet"),
    "spanish": ("---------- Mensaje reenviado ---------", "De", "Fecha", "Para", "Asunto"),
    "italian": ("Inizio messaggio inoltrato:", "Da", "Data", "A", "Oggetto"),
    "portuguese": ("---------- Mensagem encaminhada ---------", "De", "Enviado", "Para", "Assunto"),
    "dutch": ("---------- Doorgestuurd bericht ---------", "Van", "Verzonden", "Aan", "Onderwerp"),
    "swedish": ("---------- Vidarebefordrat meddelande ---------", "Från", "Skickat", "Till", "Ämne"),
    "danish": ("---------- Videresendt meddelelse ---------", "Fra", "Sendt", "Til", "Emne"),
    "finnish": ("", "Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "polish": ("---------- Przekazana wiadomość ---------", "Od", "Wysłano", "Do", "Temat"),
    "czech": ("", "Od", "Odesláno", "Komu", "Předmět"),
    "hungarian": ("", "Feladó", "Elküldve", "Címzett", "Tárgy"),
    "romanian": ("", "De la", "Trimis", "Către", "Subiect"),
    "turkish": ("", "Kimden", "Tarih", "Kime", "Konu"),
    "russian": ("-------- Пересылаемое сообщение --------", "От", "Дата", "Кому", "Тема"),
    "ukrainian": ("", "Від", "Дата", "Кому", "Тема"),
    "greek": ("", "Από", "Ημερομηνία", "Προς", "Θέμα"),
    "japanese": ("", "差出人", "日時", "宛先", "件名"),
    "chinese": ("---------- 转发的邮件 ---------", "发件人", "日期", "收件人", "主题"),
    "korean": ("", "보낸 사람", "보낸 날짜", "받는 사람", "제목"),
}
BODY = """Name: Ruth Adeyemi
Phone: (706) 555-0143
Email: ruth.adeyemi@example.com
Beds/Baths: 2/1
Move Date: 04/01/2026
Comments: Is parking included?
"""


@cache
def maps() -> MapSet:
    return load_maps()


def one(body: bytes) -> Lead:
    reading = read(Delivered(body, "message/rfc822", Channel.EMAIL, RECEIVED), maps())
    assert reading.verdict is Verdict.LEADS, (reading.cause, reading.detail)
    assert len(reading.leads) == 1
    return reading.leads[0]


def mail(text: str, subject: str, sender: str = AGENT, html: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = sender, "Leads <leads@oakline-living.com>"
    message["Subject"], message["Date"] = subject, "Tue, 10 Feb 2026 09:30:00 -0500"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text:
        message.set_content(text, charset="utf-8")
        if html:
            message.add_alternative(html, subtype="html")
    else:
        message.set_content(html, subtype="html")
    return bytes(message)


def block(program: str, body: str = BODY, quote: str = "", subject: str = "New Lead for Oakline Flats") -> str:
    separator, sender, date, to, title = PROGRAMS[program]
    rows = [
        *([separator] if separator else []),
        f"{sender}: Apartments.com <lead@apartments.com>",
        f"{date}: Tue, Feb 10, 2026 at 9:01 AM",
        f"{to}: Dana Cole <dana.cole@oakline-living.com>",
        f"{title}: {subject}",
        "",
        *body.splitlines(),
    ]
    return "\n".join(f"{quote}{row}" for row in rows)


@pytest.mark.parametrize("comment", ["", "Please call her today.\nDana\n\n"], ids=["bare", "commented"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_and_language(program: str, comment: str) -> None:
    lead = one(mail(comment + block(program), "Fwd: New Lead for Oakline Flats"))
    row = row_of(lead)
    assert (row["map"], row["source"]) == ("apartments_com_mail", "apartments_com")
    assert (row["first_name"], row["email"]) == ("Ruth", "ruth.adeyemi@example.com")
    assert (row["phone_e164"], row["bedrooms_min"], row["move_in_date"]) == ("+17065550143", 2, "2026-04-01")
    assert "call her" not in row["message"]


@pytest.mark.parametrize("subject", ["New Lead for Oakline Flats", "look at this one please"])
def test_a_changed_subject_hides_no_forward(subject: str) -> None:
    assert one(mail(block("outlook_new"), subject)).map_id == "apartments_com_mail"


def test_a_forward_of_a_forward() -> None:
    inner = block("gmail")
    outer = "FYI\n\n" + "\n".join(
        [
            "From: Pat Moss <pat@oakline-living.com>",
            "Sent: Tuesday, February 10, 2026 9:10 AM",
            "To: Dana Cole <dana.cole@oakline-living.com>",
            "Subject: Fwd: New Lead for Oakline Flats",
            "",
            inner,
        ]
    )
    assert row_of(one(mail(outer, "FW: New Lead for Oakline Flats")))["email"] == "ruth.adeyemi@example.com"


def test_html_only_forward_of_gmail() -> None:
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in BODY.splitlines())
    html = (
        '<div dir="ltr">Please call her.<br></div><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        "---------- Forwarded message ---------<br>From: <b>Apartments.com</b> "
        "&lt;<a href='mailto:lead@apartments.com'>lead@apartments.com</a>&gt;<br>"
        "Date: Tue, Feb 10, 2026 at 9:01 AM<br>Subject: New Lead for Oakline Flats<br>"
        f"To: &lt;dana.cole@oakline-living.com&gt;<br></div><br><table>{cells}</table></div>"
    )
    row = row_of(one(mail("", "Fwd: New Lead for Oakline Flats", html=html)))
    assert (row["first_name"], row["message"]) == ("Ruth", "Is parking included?")


def test_outlook_soft_links() -> None:
    body = BODY.replace("ruth.adeyemi@example.com", "ruth.adeyemi@example.com<mailto:ruth.adeyemi@example.com>")
    body = body.replace("(706) 555-0143", "(706) 555-0143<tel:7065550143>")
    text = block("outlook_old", body).replace(
        "<lead@apartments.com>", "<lead@apartments.com<mailto:lead@apartments.com>>"
    )
    row = row_of(one(mail(text, "FW: New Lead")))
    assert (row["email"], row["phone_e164"]) == ("ruth.adeyemi@example.com", "+17065550143")


@pytest.mark.parametrize("how", ["rfc822", "octet_stream", "base64"])
def test_forward_as_attachment(how: str) -> None:
    original = LEAD.read_bytes()
    boundary = "=_next"
    if how == "octet_stream":
        head = 'Content-Type: application/octet-stream; name="New Lead.eml"\nContent-Transfer-Encoding: base64\n'
        head += 'Content-Disposition: attachment; filename="New Lead.eml"\n'
        part = base64.encodebytes(original)
    elif how == "base64":
        head, part = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n", base64.encodebytes(original)
    else:
        head, part = "Content-Type: message/rfc822\nContent-Disposition: attachment\n", original
    outer = (
        f"From: {AGENT}\nTo: leads@oakline-living.com\nSubject: lead\nDate: Tue, 10 Feb 2026 09:30:00 -0500\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n\n--{boundary}\n'
        f"Content-Type: text/plain\n\nSee attached.\n\n--{boundary}\n{head}\n"
    )
    body = outer.encode() + part + f"\n--{boundary}--\n".encode()
    assert row_of(one(body))["email"] == row_of(one(original))["email"]


def test_google_group_without_original_from() -> None:
    original = LEAD.read_bytes().replace(b"\r\n", b"\n")
    head, _, rest = original.partition(b"\n\n")
    rows = [row for row in head.split(b"\n") if not row.lower().startswith(b"from:")]
    rows += [
        b"From: \"'Apartments.com' via Leasing\" <leasing@oakline-living.com>",
        b"X-Original-Sender: lead@apartments.com",
        b"List-ID: <leasing.oakline-living.com>",
        b"Precedence: list",
    ]
    assert row_of(one(b"\n".join(rows) + b"\n\n" + rest))["map"] == "apartments_com_mail"


def test_what_a_reply_quotes_is_no_forward() -> None:
    rows = block("outlook_new", "We have a two bedroom.").splitlines()
    assert forwarded(["Yes please!", "", *rows], "Re: Oakline Flats") is None
    assert forwarded(["Yes please!", "", "-----Original Message-----", *rows], "RE: Oakline Flats") is None


def test_a_form_with_a_from_field_is_no_forward() -> None:
    assert forwarded(["From: Ann Lee", "Subject: Question", "", "Is it free?"], "Contact form") is None


def test_subjects_of_many_programs() -> None:
    assert bare_subject("WG: AW: TR: 转发: Re[2]: Oakline") == "Oakline"
    told = ("VB: Oakline", "İLT: Oakline", "Invitation: Oakline")
    assert [is_forward(subject) for subject in told] == [True, True, False]
    assert [is_reply(subject) for subject in ("SV: Oakline", "Odp: Oakline", "Regarding Oakline")] == [
        True,
        True,
        False,
    ]
