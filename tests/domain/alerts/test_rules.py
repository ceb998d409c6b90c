"""What rules can be given, and what alerts say."""

import pytest

from ampyard.domain.alerts import DEFAULT_RULES, PARAMETER_NAMES, PARAMETERS, AlertKind, rule_faults, summary_of, with_defaults


def test_every_kind_has_parameters_whose_defaults_are_within_their_bounds() -> None:
    for kind in AlertKind:
        assert {"after_s", "clear_after_s"} <= PARAMETERS[kind].keys() <= set(PARAMETER_NAMES)
        assert all(bounds.least <= bounds.default <= bounds.most for bounds in PARAMETERS[kind].values())
        assert list(rule_faults(kind, with_defaults(kind, {}))) == []


def test_what_is_not_given_has_its_default_and_what_a_kind_has_not_has_none() -> None:
    assert with_defaults(AlertKind.OVER_LIMIT, {"after_s": 10}) == {
        "after_s": 10,
        "clear_after_s": 60,
        "margin_percent": 0.0,
        "within_minutes": None,
        "include_at_risk": None,
    }
    assert with_defaults(AlertKind.NOT_READY, {"include_at_risk": False})["include_at_risk"] is False


@pytest.mark.parametrize(
    ("kind", "given", "faults"),
    [
        (AlertKind.OVER_LIMIT, {"after_s": 4}, [("after_s", "It is 4; give 5 to 3600.")]),
        (AlertKind.OVER_LIMIT, {"after_s": 3600, "margin_percent": 100}, []),
        (
            AlertKind.OFFLINE,
            {"after_s": 86_401, "margin_percent": 1},
            [
                ("after_s", "It is 86401; give 0 to 86400."),
                ("margin_percent", "A rule of kind OFFLINE has no such parameter; leave it out."),
            ],
        ),
    ],
)
def test_what_is_out_of_bounds_is_told(kind: AlertKind, given: dict[str, float | None], faults: list[tuple[str, str]]) -> None:
    assert list(rule_faults(kind, given)) == faults


def test_the_default_rules_have_a_name_of_their_own_and_each_kind_has_one() -> None:
    assert len({name for name, _, _ in DEFAULT_RULES}) == len(DEFAULT_RULES)
    assert {kind for _, kind, _ in DEFAULT_RULES} == set(AlertKind)


@pytest.mark.parametrize(
    ("kind", "facts", "summary"),
    [
        (AlertKind.OFFLINE, {}, "Offline"),
        (AlertKind.FAULTED, {"fault": "GroundFailure"}, "Faulted: GroundFailure"),
        (AlertKind.NOT_CHARGING, {"evse_no": 2}, "Plugged in at EVSE 2, but not charging"),
        (AlertKind.OVER_LIMIT, {"load_kw": 212.34, "limit_kw": 200.0}, "212.3 kW, above the limit of 200.0 kW"),
        (
            AlertKind.NOT_READY,
            {"risk": "AT_RISK", "departs_at": "2026-11-03T05:00:00+00:00"},
            "At risk for the departure at 2026-11-03T05:00:00+00:00",
        ),
        (AlertKind.REPORT_FAILED, {"day": "2026-11-02"}, "The report of 2026-11-02 could not be written"),
        (AlertKind.ANOMALY, {"anomaly": "METER_BACKWARDS"}, "Odd transaction: meter backwards"),
    ],
)
def test_what_an_alert_says(kind: AlertKind, facts: dict[str, object], summary: str) -> None:
    assert summary_of(kind, facts) == summary
