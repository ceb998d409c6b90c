// The picture of a depot's plan: what is planned and what is not ours, against the limit, with the price below.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 960;
const HEIGHT = 200;
const PLOT = { left: 48, right: 8, top: 10, bottom: 40 };
const PRICE_BAND = 8;
const TICK_HOURS = 3;

export const PLAN = `query ($depotId: ID!) {
  depot(id: $depotId) { plan {
    madeAt isFresh status peakKw peakSoFarKw energyCost demandCost currency
    slots { beginsAt endsAt powerKw unmanagedKw limitKw pricePerKwh }
    shortfalls { vehicle { name } shortfall { sentence } }
  } }
}`;

/** Show a plan in a figure; without one the figure is hidden. */
export function drawPlan(figure, plan) {
  figure.hidden = !plan?.slots.length;
  if (figure.hidden) return;
  figure.querySelector("svg").replaceWith(picture(plan));
  figure.querySelector("figcaption").textContent = summary(plan);
  figure.querySelector("ul").replaceChildren(...plan.shortfalls.filter((stay) => stay.shortfall).map(warning));
}

function summary({ madeAt, isFresh, peakKw, energyCost, demandCost, currency }) {
  const made = `Plan of ${clock(new Date(madeAt))}${isFresh ? "" : ", too old to count"}`;
  const money = (amount) => amount.toLocaleString(undefined, { style: "currency", currency });
  const cost = energyCost == null || !currency ? "" : `, energy ${money(energyCost)}`;
  const demand = demandCost && currency ? `, ${money(demandCost)} for a higher peak` : "";
  return `${made}: highest ${peakKw.toFixed(0)} kW${cost}${demand}.`;
}

function warning({ vehicle, shortfall }) {
  const item = document.createElement("li");
  item.textContent = vehicle && !shortfall.sentence.includes(vehicle.name) ? `${vehicle.name}: ${shortfall.sentence}` : shortfall.sentence;
  return item;
}

function picture({ slots }) {
  const begin = Date.parse(slots[0].beginsAt);
  const end = Date.parse(slots.at(-1).endsAt);
  const highest = 1.08 * Math.max(1, ...slots.map((slot) => Math.max(slot.limitKw ?? 0, slot.powerKw + slot.unmanagedKw)));
  const base = HEIGHT - PLOT.bottom;
  const x = (time) => PLOT.left + ((time - begin) / (end - begin)) * (WIDTH - PLOT.left - PLOT.right);
  const y = (kw) => base - (kw / highest) * (base - PLOT.top);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  drawing.append(svg("title", {}, `Planned power from ${clock(new Date(begin))} to ${clock(new Date(end))}, in kW`));
  drawing.append(...grid(begin, end, highest, x, y, base));
  drawing.append(band(slots, () => 0, (slot) => slot.unmanagedKw, "unmanaged", x, y));
  drawing.append(band(slots, (slot) => slot.unmanagedKw, (slot) => slot.unmanagedKw + slot.powerKw, "planned", x, y));
  drawing.append(...limits(slots, x, y));
  drawing.append(...prices(slots, x, base));
  return drawing;
}

function grid(begin, end, highest, x, y, base) {
  const marks = [];
  const step = rounded(highest / 4);
  for (let kw = 0; kw <= highest; kw += step) {
    marks.push(svg("line", { class: "grid", x1: PLOT.left, x2: WIDTH - PLOT.right, y1: y(kw), y2: y(kw) }));
    marks.push(svg("text", { x: PLOT.left - 6, y: y(kw) + 4, "text-anchor": "end" }, `${kw}${kw ? "" : " kW"}`));
  }
  const hour = new Date(begin);
  hour.setMinutes(0, 0, 0);
  for (; hour.getTime() <= end; hour.setHours(hour.getHours() + 1)) {
    if (hour.getTime() < begin || hour.getHours() % TICK_HOURS) continue;
    const at = x(hour.getTime());
    marks.push(svg("line", { class: "grid", x1: at, x2: at, y1: PLOT.top, y2: base }));
    marks.push(svg("text", { x: at, y: HEIGHT - 8, "text-anchor": "middle" }, clock(hour)));
  }
  return marks;
}

/** 1, 2 or 5 times a power of ten, at least what is given. */
function rounded(least) {
  const scale = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * scale).find((step) => step >= least);
}

/** What lies between two figures of each slot, as steps. */
function band(slots, from, to, name, x, y) {
  const upper = slots.flatMap((slot) => [[slot.beginsAt, to(slot)], [slot.endsAt, to(slot)]]);
  const lower = slots.flatMap((slot) => [[slot.beginsAt, from(slot)], [slot.endsAt, from(slot)]]).reverse();
  const points = [...upper, ...lower].map(([time, kw]) => `${x(Date.parse(time)).toFixed(1)},${y(kw).toFixed(1)}`);
  return svg("polygon", { class: name, points: points.join(" ") });
}

function limits(slots, x, y) {
  return slots.filter((slot) => slot.limitKw != null).map((slot) =>
    svg("line", { class: "limit", x1: x(Date.parse(slot.beginsAt)), x2: x(Date.parse(slot.endsAt)), y1: y(slot.limitKw), y2: y(slot.limitKw) }));
}

/** A band under the hours: the dearer, the darker. */
function prices(slots, x, base) {
  const known = slots.filter((slot) => slot.pricePerKwh != null);
  const all = known.map((slot) => slot.pricePerKwh);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return known.map((slot) => {
    const share = most > least ? (slot.pricePerKwh - least) / (most - least) : 0.5;
    const left = x(Date.parse(slot.beginsAt));
    const mark = svg("rect", { class: "price", x: left, y: base + 3, width: x(Date.parse(slot.endsAt)) - left, height: PRICE_BAND, opacity: 0.15 + 0.85 * share });
    mark.append(svg("title", {}, `${slot.pricePerKwh} a kWh from ${clock(new Date(slot.beginsAt))}`));
    return mark;
  });
}

function clock(time) {
  return time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function svg(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
