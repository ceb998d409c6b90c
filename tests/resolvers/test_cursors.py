"""Cursors: whatever a list is ordered by comes back as it went, and only from a cursor of ours."""

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.paging import Keyset
from ampyard.resolvers.cursors import CursorCodec

CODEC = CursorCodec(b"a secret")
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))]))
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(moments, st.dates(), st.text(), numbers, st.integers(-(2**53), 2**53))


@given(values, st.uuids())
def test_a_position_comes_back_as_it_went(value: Any, row_id: Any) -> None:
    cursor = CODEC.encode("things", "VALUE ASC", Keyset(value, row_id))

    position = CODEC.decode("after", cursor, "things", "VALUE ASC", type(value))

    assert position == Keyset(value, row_id)
    assert type(position.value) is type(value)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_nothing_else_is_a_cursor(junk: bytes | str) -> None:
    cursor = junk if isinstance(junk, str) else base64.urlsafe_b64encode(junk).decode()
    with pytest.raises(InvalidInputError, match=r"^before: this is not a cursor; give a `cursor`, `endCursor` or `startCursor`"):
        CODEC.decode("before", cursor, "things", "VALUE ASC", str)


@given(st.data())
def test_a_cursor_with_a_changed_bit_is_refused(data: st.DataObject) -> None:
    cursor = CODEC.encode("things", "DAY DESC", Keyset(date(2026, 11, 2), data.draw(st.uuids())))
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(InvalidInputError, match="this is not a cursor"):
        CODEC.decode("after", base64.urlsafe_b64encode(raw).decode(), "things", "DAY DESC", date)


@given(st.uuids())
def test_a_cursor_of_another_key_list_or_order_is_refused(row_id: Any) -> None:
    at = Keyset(datetime(2026, 11, 2, tzinfo=UTC), row_id)
    with pytest.raises(InvalidInputError, match="this is not a cursor"):
        CODEC.decode("after", CursorCodec(b"another").encode("things", "AT ASC", at), "things", "AT ASC", datetime)
    with pytest.raises(InvalidInputError, match="of the list others by AT ASC, not of things by AT ASC"):
        CODEC.decode("after", CODEC.encode("others", "AT ASC", at), "things", "AT ASC", datetime)
    with pytest.raises(InvalidInputError, match="of the list things by AT DESC, not of things by AT ASC"):
        CODEC.decode("after", CODEC.encode("things", "AT DESC", at), "things", "AT ASC", datetime)
