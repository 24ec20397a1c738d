"""XML as senders damage it, wrap it and abuse it."""

from __future__ import annotations

import contextlib
import time

import pytest
from lxml import etree

from leadsvc.errors import Quarantine
from leadsvc.parsers import xml_body
from leadsvc.parsers.xml_body import REPAIRED


def shown(body: bytes, content_type: str = "") -> str:
    return etree.tostring(xml_body.read(body, content_type).root, encoding="unicode")


def test_namespaces_are_gone_and_resets_do_not_matter() -> None:
    assert shown(b'<x:a xmlns:x="urn:1"><b xmlns=""><c xmlns="urn:2" x:k="v"/></b></x:a>').startswith("<a")
    record = xml_body.read(b'<x:a xmlns:x="urn:1"><b xmlns=""><c xmlns="urn:2" x:k="v"/></b></x:a>')
    assert [node.tag for node in record.root.iter()] == ["a", "b", "c"]
    assert record.root[0][0].get("k") == "v"
    assert record.notes == ()


@pytest.mark.parametrize(
    "body",
    [
        b'<?adf version="1.0"?>\n<?xml version="1.0" encoding="ISO-8859-1"?><a>Ren\xe9</a>',
        '\ufeff<?xml version="1.0" encoding="ISO-8859-1"?><a>René</a>'.encode(),
        '<?xml version="1.0" encoding="utf-16"?><a>René</a>'.encode("utf-16"),
        "<a>René</a>".encode("utf-16-le"),
        '<?xml version="1.0" encoding="no-such-set"?><a>René</a>'.encode("cp1252"),
    ],
)
def test_declared_character_sets_are_not_believed_blindly(body: bytes) -> None:
    record = xml_body.read(body)
    assert record.root.text == "René"
    assert record.notes == ()


def test_what_is_not_well_formed_is_repaired_and_said() -> None:
    record = xml_body.read(b"<a><b>O&apos;Hara</a><c>Cats & dogs &amp; &nbsp;fish &unheard;</c>\x01</x>")
    assert record.notes == (REPAIRED,)
    # References behind the first fault are kept too, which the parser alone would drop.
    assert "".join(map(str, record.root.itertext())) == "O'HaraCats & dogs & \xa0fish &unheard;"


def test_a_soap_envelope_is_taken_off_nested_or_as_text() -> None:
    nested = b"<s:Envelope xmlns:s='urn:s'><s:Body><m><doc><p>1</p></doc></m></s:Body></s:Envelope>"
    assert xml_body.read(nested).root.findtext("doc/p") == "1"
    text = (
        b"<Envelope><Body><m><user>u</user><doc>&lt;doc&gt;&lt;p&gt;1&lt;/p&gt;&lt;/doc&gt;</doc></m></Body></Envelope>"
    )
    assert shown(text) == "<doc><p>1</p></doc>"


def test_markup_in_a_value_is_no_document() -> None:
    assert xml_body.read(b"<a><b>&lt;p&gt;hello&lt;/p&gt;</b></a>").root.tag == "a"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "unsafe"),
        (b'junk <!DOCTYPE a SYSTEM "http://example.com/x.dtd"><a/>', "unsafe"),
        (b"< !DOCTYPE a><a/>", "malformed"),
        (b"<", "malformed"),
        (b"<a>" + b"<b/>" * (xml_body.MAX_ELEMENTS + 1) + b"</a>", "too_complex"),
        (b"<a>" + b"x" * xml_body.MAX_BYTES + b"</a>", "too_large"),
    ],
)
def test_hostile_documents_are_refused(body: bytes, cause: str) -> None:
    with pytest.raises(Quarantine) as caught:
        xml_body.read(body)
    assert caught.value.cause == cause


def test_a_document_type_in_a_renters_words_is_harmless() -> None:
    assert xml_body.read(b"<a><b><![CDATA[<!DOCTYPE html>]]></b></a>").root.findtext("b") == "<!DOCTYPE html>"


def test_deep_nesting_ends() -> None:
    for body in (b"<a>" * 100_000, b"<a>" * 101 + b"</a>" * 101):
        with pytest.raises(Quarantine) as caught:
            xml_body.read(body)
        assert caught.value.cause == "too_complex"
    assert xml_body.read(b"<a>" * 50 + b"x" + b"</a>" * 49).notes == (REPAIRED,)


def test_misnested_tags_do_not_move_the_rest_out() -> None:
    record = xml_body.read(b"<p><n><f>Ann</f><l>Lee</f></l></n><e>a</e><m>x < 3 <b><i>y</b></i></m><k a='>'/></p>")
    assert [node.tag for node in record.root] == ["n", "e", "m", "k"]
    assert [node.tag for node in record.root[0]] == ["f", "l"]
    assert "".join(map(str, record.root[2].itertext())) == "x < 3 y"
    assert xml_body.read(b"<p><n><f>Ann</n><e>a</e></p>").root.findtext("e") == "a"


def test_capitals_do_not_matter_where_the_format_is_known_in_them() -> None:
    assert xml_body.read(b"<ADF><Prospect/></ADF>").root.find("prospect") is not None


@pytest.mark.parametrize(
    "body", [b"<a " * 200_000, b"<a b='" * 100_000, b"<a/" * 200_000, b"</a>" * 200_000, b"<a>&" * 99_000]
)
def test_broken_tags_in_masses_take_no_time(body: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(Quarantine):
        xml_body.read(body)
    assert time.process_time() - started < 5
