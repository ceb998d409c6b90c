// The board of all depots: one subscription each; every event carries the whole, consistent state of its depot.

import { drawPlan, PLAN } from "./plan.js";

const BOARD = `subscription ($depotId: ID!) {
  depotPower(depotId: $depotId) {
    nodes { id name limitKw parent { id } power { measuredKw } }
    depot { id name chargePoints(first: 200) { nodes { identity connected evses {
      id number status limitKw limitReason maxPowerKw
      activeTransaction { id powerKw energyWh socPercent chargingState prediction { minimumAt lacksMinimumKwh } vehicle { name } priority { level rule { id } } }
    } } } }
  }
}`;
const RETRY_MS = 2000;
const PLAN_MS = 20_000;
const LEVELS = ["LOW", "NORMAL", "HIGH", "CRITICAL"];

const state = document.querySelector("#state");
const signIn = document.querySelector("#sign-in");
let token = takeToken();

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  token = document.querySelector("#token").value.trim();
  sessionStorage.setItem("token", token);
  start();
});

/** The token of the address's fragment, which is never sent to a server, or the one of this tab. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token");
}

class Refused extends Error {}

async function request(body, accept) {
  const answer = await fetch("graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept, authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (answer.status === 401) throw new Refused((await answer.json()).errors[0].message);
  return answer;
}

async function query(text, variables) {
  const answer = await (await request({ query: text, variables }, "application/json")).json();
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data;
}

/** Yield the data of each event of a subscription over Server-Sent Events. */
async function* subscribe(text, variables) {
  const answer = await request({ query: text, variables }, "text/event-stream");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data:"))?.slice(5).trim();
      if (!data) continue;
      const result = JSON.parse(data);
      if (result.errors) throw new Error(result.errors[0].message);
      if (result.data) yield result.data;
    }
  }
}

async function start() {
  signIn.hidden = true;
  try {
    const { depots } = await query("{ depots(first: 200) { nodes { id name } } }");
    document.querySelector("#depots").replaceChildren();
    state.textContent = depots.nodes.length ? "" : "This tenant has no depots.";
    for (const depot of depots.nodes) watch(depot);
  } catch (error) {
    state.textContent = "";
    signIn.hidden = false;
    document.querySelector("#refusal").textContent = token ? error.message : "";
  }
}

async function watch({ id, name }) {
  const section = document.querySelector("#depot").content.cloneNode(true).firstElementChild;
  section.querySelector("h2").textContent = name;
  document.querySelector("#depots").append(section);
  showPlan(section.querySelector(".plan"), id);
  for (;;) {
    try {
      for await (const { depotPower } of subscribe(BOARD, { depotId: id })) {
        state.textContent = `Live, ${new Date().toLocaleTimeString()}`;
        draw(section, depotPower);
      }
    } catch (error) {
      if (error instanceof Refused) return start();
      state.textContent = `Lost the connection (${error.message}); trying again.`;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Asked for now and then: a browser keeps so few connections to a server that a second subscription for each depot would take them all. */
async function showPlan(figure, depotId) {
  while (figure.isConnected) {
    try {
      drawPlan(figure, (await query(PLAN, { depotId })).depot.plan);
    } catch {
      // The board says that the connection is lost.
    }
    await new Promise((resolve) => setTimeout(resolve, PLAN_MS));
  }
}

function draw(section, { nodes, depot }) {
  section.querySelector(".nodes").replaceChildren(...tree(nodes).map(([node, level]) => nodeRow(node, level)));
  const rows = depot.chargePoints.nodes.flatMap((point) => point.evses.map((evse) => evseRow(point, evse)));
  // A menu that is open would close under the hand that holds it.
  if (!section.querySelector("select:focus")) section.querySelector("tbody").replaceChildren(...rows);
}

/** Nodes from the root down, each with its depth. */
function tree(nodes, parent = null, level = 0) {
  return nodes.filter((node) => (node.parent?.id ?? null) === parent)
    .flatMap((node) => [[node, level], ...tree(nodes, node.id, level + 1)]);
}

function nodeRow({ name, limitKw, power }, level) {
  const row = element("div", `node level-${Math.min(level, 2)}`);
  const figure = `${power.measuredKw.toFixed(0)} of ${limitKw.toFixed(0)} kW`;
  row.append(element("span", "name", name), bar(power.measuredKw, limitKw, `${name}: ${figure}`), element("span", "figure", figure));
  return row;
}

function evseRow({ identity, connected }, evse) {
  const running = evse.activeTransaction;
  const row = element("tr", connected ? "" : "offline");
  const power = element("td", "power");
  if (running) {
    const limit = evse.limitKw ?? evse.maxPowerKw;
    const figure = `${running.powerKw.toFixed(1)} of ${limit.toFixed(1)} kW`;
    power.append(element("div", "", figure), bar(running.powerKw, evse.maxPowerKw, figure, evse.maxPowerKw * 2));
  }
  row.append(
    element("td", "", `${identity}/${evse.number}`),
    element("td", "", connected ? words(running ? running.chargingState : evse.status) : "Offline"),
    element("td", "", running?.vehicle?.name ?? ""),
    power,
    element("td", "number", running ? `${(running.energyWh / 1000).toFixed(1)} kWh` : ""),
    element("td", "number", running?.socPercent == null ? "" : `${running.socPercent.toFixed(0)} %`),
    element("td", "", running?.prediction ? readyBy(running.prediction) : ""),
    element("td", ""),
    element("td", "why", running ? evse.limitReason ?? "" : ""),
  );
  if (running) row.children[7].append(priorityMenu(running));
  return row;
}

function readyBy({ minimumAt, lacksMinimumKwh }) {
  if (lacksMinimumKwh > 0) return `lacks ${lacksMinimumKwh.toFixed(0)} kWh`;
  if (!minimumAt) return "";
  const at = new Date(minimumAt);
  return at <= new Date() ? "now" : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function priorityMenu({ id, priority }) {
  const menu = element("select", "");
  menu.setAttribute("aria-label", "Priority of this transaction");
  menu.append(...LEVELS.map((level) => new Option(words(level), level, false, level === priority.level)));
  menu.addEventListener("change", async () => {
    menu.disabled = true;
    try {
      const { setPriority } = await query(
        `mutation ($id: ID!, $level: PriorityLevel!) { setPriority(input: {transactionId: $id, level: $level, reason: "Set in the console"}) { errors { message } } }`,
        { id, level: menu.value },
      );
      if (setPriority.errors.length) throw new Error(setPriority.errors.map((error) => error.message).join(" "));
    } catch (error) {
      state.textContent = error.message;
      menu.value = priority.level;
    }
    menu.disabled = false;
    menu.blur();
  });
  return menu;
}

function bar(value, full, title, near = full) {
  const outer = element("div", "bar");
  outer.title = title;
  const inner = element("i", value > full + 0.1 ? "over" : value > near * 0.95 ? "near" : "");
  inner.style.width = `${full ? Math.min(100, (value / full) * 100) : 0}%`;
  outer.append(inner);
  return outer;
}

/** An enum's value as words: SUSPENDED_EV becomes "Suspended ev". */
function words(value) {
  const text = value.replaceAll("_", " ").toLowerCase().replace(/\bev(se)?\b/g, (word) => word.toUpperCase());
  return text[0].toUpperCase() + text.slice(1);
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

start();
