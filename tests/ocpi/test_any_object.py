"""What holds for any object of any class, in both versions."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ampyard.ocpi import json, models
from ampyard.ocpi.modules import ALL_VERSIONS
from ampyard.ocpi.received import patched, received
from ampyard.ocpi.wire.types import WireModel
from tests.ocpi.objects import documents, exactly

CLASSES = sorted(
    {
        (version, kind)
        for name, kinds in vars(models).items()
        if name.isupper() and isinstance(kinds, dict)
        for version in ALL_VERSIONS
        if isinstance(kind := kinds.get(version), type)
    },
    key=lambda one: (one[0], one[1].__module__, one[1].__name__),
)
every_class = pytest.mark.parametrize(("version", "kind"), [pytest.param(*one, id=f"{one[0]}-{one[1].__name__}") for one in CLASSES])
some = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


@every_class
@some
@given(data=st.data())
def test_it_comes_back_as_it_came(version: str, kind: type[WireModel], data: st.DataObject) -> None:
    del version
    document = json.parse(json.render(data.draw(documents(kind))))
    thing = received(kind, document)
    sent = json.parse(json.render(thing.to_wire()))
    assert exactly(sent) == exactly(document)
    assert received(kind, sent) == thing


@every_class
@some
@given(data=st.data())
def test_unknown_fields_are_no_fault_and_stay_through_a_patch(version: str, kind: type[WireModel], data: st.DataObject) -> None:
    del version
    document = data.draw(documents(kind)) | {"x_unknown": {"amount": Decimal("1.10")}}
    received(kind, document)
    if "last_updated" in kind.model_fields:
        patch = {"last_updated": "2026-01-31T09:30:00.5Z", "y_unknown": [None]}
        assert patched(kind, document, patch)[0] == document | patch


@every_class
@some
@given(data=st.data())
def test_without_a_field_that_is_needed_it_is_refused(version: str, kind: type[WireModel], data: st.DataObject) -> None:
    del version
    document = data.draw(documents(kind))
    name = data.draw(st.sampled_from([name for name, field in kind.model_fields.items() if field.is_required()]))
    del document[name]
    with pytest.raises(Exception, match=rf"{name} is missing\."):
        received(kind, document)
