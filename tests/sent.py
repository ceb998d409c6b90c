"""The statements that are sent to the database while one watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ampyard.repositories.statements import Query

_watches: list[list[str]] = []


def counting() -> bool:
    """Return whether someone counts statements now."""
    return bool(_watches)


@contextmanager
def statements_sent() -> Iterator[list[str]]:
    """Yield the SQL of the statements sent so far, BEGIN and its like apart; clear it to count anew."""
    sent: list[str] = []
    call = Query.call

    def note(query: Query, *arguments: Any) -> tuple[str, list[Any]]:
        sql, values = call(query, *arguments)
        sent.append(sql)
        return sql, values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Query, "call", note)
        _watches.append(sent)
        try:
            yield sent
        finally:
            _watches.remove(sent)
