"""The facts of steps that an earlier release kept are read, and come to what they came to."""

import json
import zlib
from dataclasses import replace

from ampyard.domain.allocation import decide
from ampyard.repositories.tables.allocation import Facts
from tests.domain.test_allocation import evse, step

_SINCE_ADDED = ("planned_priority", "wanted_kwh", "weight", "charging_since")


def test_what_was_kept_before_steps_looked_ahead_is_read() -> None:
    facts = step(evse(1), evse(2, priority=3), grid_kw=30.0)
    kept = Facts().process_bind_param(facts, None)
    assert kept is not None
    as_json = json.loads(zlib.decompress(kept))
    for one in as_json["evses"]:
        for name in _SINCE_ADDED:
            del one["charging"][name]
    read = Facts().result_processor(None, None)

    assert read(zlib.compress(json.dumps(as_json).encode())) == facts
    assert decide(read(kept)) == decide(replace(facts))
