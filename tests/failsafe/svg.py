"""Lines over time as SVG, plain enough to be read as text in a review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 760, 320
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 34, 150, 34


@dataclass(frozen=True, slots=True)
class Line:
    """A named line: (s, kW), oldest first."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def chart(title: str, lines: Sequence[Line], *, marks: Mapping[str, float], until: float) -> str:
    """Return an SVG document of lines from 0 to `until` s; `marks` are named moments, in s."""
    highest = max(kw for line in lines for _, kw in line.points)
    top_kw = -(-highest // 20) * 20 or 20.0

    def x(at_s: float) -> float:
        return round(_LEFT + at_s / until * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(kw: float) -> float:
        return round(_HEIGHT - _BOTTOM - kw / top_kw * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    for kw in range(0, int(top_kw) + 1, 20):
        parts.append(f'<path d="M{_LEFT} {y(kw)}H{_WIDTH - _RIGHT}" stroke="#e5e7e9"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(kw) + 4}" text-anchor="end">{kw}</text>')
    parts += [f'<text x="{x(at_s)}" y="{_HEIGHT - 16}" text-anchor="middle">{at_s} s</text>' for at_s in range(0, int(until) + 1, 10)]
    parts.append('<text x="6" y="18">kW</text>')
    for name, at_s in marks.items():
        parts.append(f'<path d="M{x(at_s)} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#b9770e" stroke-dasharray="2 3"/>')
        parts.append(f'<text x="{x(at_s) + 3}" y="{_TOP + 10}" fill="#b9770e">{escape(name)}</text>')
    for number, line in enumerate(lines):
        path = " ".join(f"{x(at_s)},{y(kw)}" for at_s, kw in line.points if at_s <= until)
        dash = ' stroke-dasharray="6 4"' if line.dashed else ""
        parts.append(f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="1.6"{dash}/>')
        at_y = _TOP + 14 + 16 * number
        parts.append(f'<text x="{_WIDTH - _RIGHT + 12}" y="{at_y}" fill="{line.colour}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
