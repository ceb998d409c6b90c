"""Settings: what is stored is what differs, what cannot be is refused, and what an older version wrote does not break a newer one."""

from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampyard.domain.errors import InvalidInputError
from ampyard.domain.settings import BOUNDS, DEFAULTS, Language, TenantSettings, UnknownTagPolicy, changed, from_stored, to_stored

VALID = st.builds(
    TenantSettings,
    currency=st.sampled_from(["EUR", "SEK", "GBP"]),
    language=st.sampled_from(Language),
    reserve_soc_percent=st.floats(0, 80),
    unknown_tag_policy=st.sampled_from(UnknownTagPolicy),
    alert_sender=st.sampled_from([None, "alerts@example.org"]),
    command_days_kept=st.integers(1, 366),
    job_run_days_kept=st.integers(1, 366),
    profile_interval_s=st.integers(0, 3600),
)


@given(VALID)
def test_what_is_stored_comes_back(settings: TenantSettings) -> None:
    assert from_stored(to_stored(settings)) == settings


def test_only_what_differs_from_the_defaults_is_stored() -> None:
    assert to_stored(DEFAULTS) == {}
    assert to_stored(replace(DEFAULTS, currency="SEK")) == {"currency": "SEK"}


@pytest.mark.parametrize(
    "stored", [{"colour": "blue"}, {"currency": "euros"}, {"currency": None}, {"language": "xx"}, {"reserve_soc_percent": "half"}]
)
def test_what_is_not_known_or_allowed_any_more_does_not_count(stored: dict[str, Any]) -> None:
    assert from_stored(stored | {"command_days_kept": 8}) == replace(DEFAULTS, command_days_kept=8)


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_inclusive(name: str) -> None:
    least, most = BOUNDS[name]
    for value in (least, most):
        assert getattr(changed(DEFAULTS, {name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(InvalidInputError, match=f"{name} is {value:g}; give {least:g} to {most:g}"):
            changed(DEFAULTS, {name: value})


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("currency", "euro", "currency"),
        ("currency", "", "currency"),
        ("alert_sender", "nobody", "alertSender"),
        ("alert_sender", "a@b.c\nBcc: x@y.z", "alertSender"),
        ("alert_sender", "a" * 250 + "@b.de", "alertSender"),
        ("reserve_soc_percent", 81, "reserveSocPercent"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is(name: str, value: object, path: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        changed(DEFAULTS, {name: value})
    assert refusal.value.path == ("input", path)


@given(VALID)
def test_null_brings_back_a_default(settings: TenantSettings) -> None:
    assert changed(settings, {field.name: None for field in fields(TenantSettings)}) == DEFAULTS
    assert asdict(changed(settings, {"language": None})) == asdict(settings) | {"language": DEFAULTS.language}
