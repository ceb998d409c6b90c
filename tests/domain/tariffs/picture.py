"""Draws a priced session, its periods and the lines of its cost, into docs/priced-session.svg: `make plots`."""

from datetime import UTC, datetime, time
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from ampyard.domain.tariffs.cost import Cost, CostKind, CostLine, LineReason
from ampyard.domain.tariffs.pricing import price
from ampyard.domain.tariffs.session import ChargingSession
from tests.domain.tariffs.building import ENERGY, FLAT, PARKING_TIME, charging, component, element, parking, plain, session, tariff, then

FILE = Path(__file__).parents[3] / "docs" / "priced-session.svg"
_ZONE = "Europe/Berlin"
_WIDTH, _LEFT, _RIGHT, _ROW = 1000, 190, 330, 26
_COLOURS = {CostKind.FIXED: "#b9770e", CostKind.ENERGY: "#2471a3", CostKind.PARKING: "#7d3c98", CostKind.TOTAL: "#566573"}
_NAMES = {LineReason.MIN_PRICE: "minimum price", LineReason.MAX_PRICE: "maximum price", LineReason.ROUNDING: "rounding"}

TARIFF = tariff(
    element(component(FLAT, "0.50", "19")),
    element(component(ENERGY, "0.39", "19", 100), start_time=time(17), end_time=time(20)),
    element(component(ENERGY, "0.29", "19", 100)),
    element(component(PARKING_TIME, "2.00", "19", 900)),
)
SESSION = session(
    *then(
        datetime(2026, 11, 5, 15, 20, tzinfo=UTC),
        (charging, 70, {"kwh": "7.7"}),
        (charging, 20, {"kwh": "1.13"}),
        (parking, 40, {}),
    ),
    zone=_ZONE,
)


def drawn(what: ChargingSession, cost: Cost) -> str:
    """Return an SVG document: periods above, a row for each line of the cost, the sums below."""
    begin, end = what.periods[0].starts_at, what.periods[-1].ends_at
    top, height = 78, 78 + _ROW * (len(cost.lines) + 2)

    def x(at: datetime) -> float:
        return round(_LEFT + (at - begin) / (end - begin) * (_WIDTH - _LEFT - _RIGHT), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        '<text x="10" y="20" font-size="14">A session and what it costs</text>',
        '<text x="10" y="56">periods</text>',
    ]
    for period in what.periods:
        name = "parking" if period.parking_s else f"{plain(period.energy_kwh)} kWh"
        parts.append(_bar(x(period.starts_at), x(period.ends_at), 40, "#d5d8dc"))
        parts.append(f'<text x="{x(period.starts_at) + 5}" y="56">{name}</text>')
    for number, line in enumerate(cost.lines):
        y = top + _ROW * number
        parts.append(f'<text x="10" y="{y + 16}" fill="{_COLOURS[line.kind]}">{escape(_title(line))}</text>')
        parts.append(_bar(x(line.starts_at), max(x(line.ends_at), x(line.starts_at) + 4), y, _COLOURS[line.kind]))
        parts.append(f'<text x="{_WIDTH - _RIGHT + 16}" y="{y + 16}">{escape(_words(line))}</text>')
    whole = cost.total_cost
    sums = f"{whole.before_taxes:.2f} EUR and {whole.after_taxes - whole.before_taxes:.2f} VAT: {whole.after_taxes:.2f} EUR"
    parts.append(f'<text x="{_WIDTH - _RIGHT + 16}" y="{height - _ROW - 14}" font-weight="bold">{sums}</text>')
    moments = sorted({at for line in cost.lines for at in (line.starts_at, line.ends_at)})
    for at in moments:
        parts.append(f'<path d="M{x(at)} 36V{height - 40}" stroke="#aab7b8" stroke-dasharray="2 3"/>')
        local = at.astimezone(ZoneInfo(_ZONE))
        parts.append(f'<text x="{x(at)}" y="{height - 24}" text-anchor="middle">{local:%H:%M}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(begin: float, end: float, y: float, colour: str) -> str:
    return f'<rect x="{begin}" y="{y}" width="{round(end - begin, 1)}" height="22" fill="{colour}" fill-opacity="0.75" stroke="white"/>'


def _title(line: CostLine) -> str:
    if line.component is None or line.element is None:
        return _NAMES[line.reason]
    return f"element {line.element + 1}: {line.component.type.value}"


def _words(line: CostLine) -> str:
    amount = f"{plain(line.price.before_taxes)} EUR"
    if line.component is None or line.component.type is FLAT:
        return amount
    volume, billed, unit = line.volume, line.billed_volume, "kWh"
    if line.component.type is not ENERGY:
        volume, billed, unit = volume / 60, billed / 60, "min"
    step = "" if volume == billed else f", billed as {plain(billed)}"
    return f"{plain(volume)} {unit}{step}, at {plain(line.component.price)}: {amount}"


def picture() -> str:
    """Return the picture of docs/pricing.md."""
    return drawn(SESSION, price(SESSION, [TARIFF]))


def main() -> None:
    """Draw it."""
    FILE.write_text(picture())


if __name__ == "__main__":
    main()
