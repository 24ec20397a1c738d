"""What the documentation says of vendors is what their capabilities say."""

from __future__ import annotations

import pytest

from leadsvc.workers.describe import updated
from leadsvc.workers.destinations import VENDORS, capabilities
from leadsvc.workers.destinations.base import CORRECTIONS
from tests.processes import ROOT

DOCUMENT = ROOT / "docs" / "destinations.md"


def test_the_document_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == updated(text), "run: leadsvc destinations describe --into docs/destinations.md"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_says_everything(vendor: str) -> None:
    can = capabilities(vendor)
    assert can.label
    assert can.on_duplicate
    assert can.ids
    assert set(can.corrections) == set(CORRECTIONS), "each correction is made by itself or by a person"
    assert can.can_merge or can.corrections["merge"]
