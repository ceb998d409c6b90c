"""`python -m bench.plan_picture`: draw a planned night of twelve vehicles into `docs/planned-night.svg`."""

from datetime import timedelta
from pathlib import Path

from ampyard.domain.planning import Plan, PlanProblem, Stay, solve
from bench.planning import night

_TARGET = Path(__file__).parent.parent / "docs" / "planned-night.svg"
_LEFT, _TOP, _SLOT, _ROW = 90, 60, 9, 22
_CHART = 180
_CHEAP, _MIDDLE, _DEAR = "#e3f1e3", "#f6f3e4", "#f8e2df"
_HOUR = timedelta(hours=1)


def draw() -> str:
    """Return the picture: each vehicle's stay with its power, above the power of all with the limit and the prices."""
    problem = night(12, target=0.9)
    plan = solve(problem, time_limit_s=30.0)
    stays = sorted(problem.stays, key=lambda stay: (stay.departs_at, stay.id))
    width, below = _LEFT + _SLOT * len(plan.slots) + 20, _TOP + _ROW * len(stays) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{below + _CHART + 50}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">A planned night: who is there, who charges, and what flows in all</text>',
        f'<text x="{_LEFT}" y="38">Green: cheap, red: dear. Outlined: a stay, filled: its power. Line: the peak that is kept to.</text>',
        *_prices(problem, below + _CHART),
    ]
    for row, stay in enumerate(stays):
        parts += _row(plan, stay, _TOP + row * _ROW)
    parts += _totals(problem, plan, below)
    parts += [
        f'<text x="{_LEFT + number * _SLOT}" y="{below + _CHART + 18}">{slot.begins_at:%H:%M}</text>'
        for number, slot in enumerate(plan.slots)
        if slot.begins_at.minute == 0 and slot.begins_at.hour % 3 == 0
    ]
    return "\n".join([*parts, "</svg>", ""])


def _prices(problem: PlanProblem, bottom: int) -> list[str]:
    colours = dict(zip(sorted(set(problem.prices_per_kwh)), (_CHEAP, _MIDDLE, _DEAR), strict=True))
    return [
        f'<rect x="{_LEFT + number * _SLOT}" y="{_TOP - 6}" width="{_SLOT}" height="{bottom - _TOP + 6}" fill="{colours[price]}"/>'
        for number, price in enumerate(problem.prices_per_kwh)
    ]


def _row(plan: Plan, stay: Stay, y: int) -> list[str]:
    assert stay.departs_at is not None
    begin, end = ((at - plan.made_at) / _HOUR * 4 * _SLOT for at in (stay.arrives_at, stay.departs_at))
    told = plan.stays[stay.id]
    parts = [f'<text x="8" y="{y + 12}">{stay.energy_kwh:.0f} to {told.prediction.final_kwh:.0f} kWh</text>']
    for number, kw in enumerate(told.power_kw):
        height = (_ROW - 6) * kw / stay.max_kw
        if kw > 0:
            bar = f'x="{_LEFT + number * _SLOT}" y="{y + _ROW - 6 - height:.1f}" width="{_SLOT}" height="{height:.1f}"'
            parts.append(f'<rect {bar} fill="{"#7a4fa3" if stay.priority > 1 else "#2f6db5"}"/>')
    parts.append(f'<rect x="{_LEFT + begin:.1f}" y="{y}" width="{end - begin:.1f}" height="{_ROW - 6}" fill="none" stroke="#888"/>')
    return parts


def _totals(problem: PlanProblem, plan: Plan, top: int) -> list[str]:
    most_kw = plan.peak_kw * 1.15
    parts = []
    for number, unmanaged in enumerate(problem.unmanaged_kw):
        ours = sum(told.power_kw[number] for told in plan.stays.values())
        for kw, under, colour in ((unmanaged, 0.0, "#999"), (ours, unmanaged, "#2f6db5")):
            height, foot = _CHART * kw / most_kw, _CHART * under / most_kw
            bar = f'x="{_LEFT + number * _SLOT}" y="{top + _CHART - foot - height:.1f}" width="{_SLOT - 1}" height="{height:.1f}"'
            parts.append(f'<rect {bar} fill="{colour}"/>')
    y = top + _CHART - _CHART * plan.peak_kw / most_kw
    parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _SLOT * len(plan.slots)}" y1="{y:.1f}" y2="{y:.1f}" stroke="#c33"/>')
    parts.append(f'<text x="8" y="{y + 4:.1f}">{plan.peak_kw:.0f} kW</text>')
    return parts


if __name__ == "__main__":
    _TARGET.write_text(draw())
