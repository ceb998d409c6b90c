"""A chart has each line where its values are."""

from xml.etree import ElementTree as ET

from tests.failsafe.svg import Line, chart

SVG = "{http://www.w3.org/2000/svg}"


def test_a_line_is_drawn_to_scale_and_named() -> None:
    drawn = chart(
        "a < b",
        [Line("load", "#000", [(0.0, 0.0), (10.0, 40.0), (99.0, 1.0)]), Line("limit", "#f00", [(0, 40)], dashed=True)],
        marks={"cut": 5.0},
        until=10.0,
    )

    root = ET.fromstring(drawn)  # noqa: S314 - of our own making
    load, limit = root.findall(f"{SVG}polyline")
    # 0 kW at the lower left, 40 kW at the upper right; what is later is left out.
    assert load.get("points") == "46.0,286.0 610.0,34.0"
    assert (load.get("stroke-dasharray"), limit.get("stroke-dasharray")) == (None, "6 4")
    assert {"a < b", "load", "limit", "cut", "40", "10 s"} <= {text.text for text in root.findall(f"{SVG}text")}
