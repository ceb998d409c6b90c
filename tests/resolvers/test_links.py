"""Links to files: for one report, for fifteen minutes, and made by nobody else."""

import base64
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import ForbiddenError
from ampyard.resolvers.links import FileLinks

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LINKS = FileLinks(b"a secret", "https://ampyard.test")


def token_of(link: str) -> str:
    prefix = "https://ampyard.test/files/"
    assert link.startswith(prefix)
    return link.removeprefix(prefix)


@given(st.uuids(), st.uuids(), st.timedeltas(timedelta(0), timedelta(minutes=15) - timedelta(seconds=1)))
def test_a_link_leads_to_its_report_until_it_ends(tenant_id: uuid.UUID, report_id: uuid.UUID, age: timedelta) -> None:
    token = token_of(LINKS.to_report(tenant_id, report_id, now=NOW))

    assert LINKS.read(token, now=NOW + age) == (tenant_id, report_id)
    for late in (timedelta(minutes=15), timedelta(days=1)):
        with pytest.raises(ForbiddenError, match="This link has expired"):
            LINKS.read(token, now=NOW + late)


@given(st.data())
def test_a_link_with_a_changed_bit_is_refused(data: st.DataObject) -> None:
    token = token_of(LINKS.to_report(data.draw(st.uuids()), data.draw(st.uuids()), now=NOW))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(ForbiddenError, match="This link is not valid"):
        LINKS.read(base64.urlsafe_b64encode(raw).decode(), now=NOW)


@given(st.binary(max_size=80) | st.text(max_size=80))
def test_nothing_else_is_a_link(junk: bytes | str) -> None:
    with pytest.raises(ForbiddenError, match="This link is not valid"):
        LINKS.read(junk if isinstance(junk, str) else base64.urlsafe_b64encode(junk).decode(), now=NOW)


def test_a_link_of_another_key_is_refused() -> None:
    token = token_of(FileLinks(b"another", "https://ampyard.test").to_report(uuid.uuid4(), uuid.uuid4(), now=NOW))
    with pytest.raises(ForbiddenError, match="This link is not valid"):
        LINKS.read(token, now=NOW)
