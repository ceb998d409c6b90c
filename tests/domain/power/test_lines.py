"""How a load is wired, from the lines that it draws from."""

import pytest

from ampyard.domain.power import Lines, wiring_of


@pytest.mark.parametrize(
    ("lines", "phases", "line_to_line", "wired"),
    [
        ({2}, 1, False, Lines.L2),
        ({1, 3}, 2, False, Lines.L3_L1),
        ({1, 2, 3}, 1, False, Lines.ONE_UNKNOWN),
        ({1, 2, 3}, 2, False, Lines.TWO_UNKNOWN),
        ({1, 2, 3}, 3, False, Lines.L1_L2_L3),
        ({2, 3}, 1, True, Lines.L2_TO_L3),
        ({1, 2, 3}, 1, True, Lines.PAIR_UNKNOWN),
    ],
)
def test_a_load_is_wired_as_its_lines_say_and_on_each_where_it_is_not_known_which(
    lines: set[int], phases: int, line_to_line: object, wired: Lines
) -> None:
    assert wiring_of(frozenset(lines), phases, line_to_line=bool(line_to_line)) is wired
