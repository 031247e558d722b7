// The chosen node: what it says, where it comes from, what it is joined to, and its history as a line.

import { read } from "./api.js";
import { by, day, el, minute, say } from "./dom.js";
import { edgeColour, family, familyName, nodeColour } from "./palette.js";
import { choose, on, state, tell } from "./state.js";

let request = null;
let shownVersion = null;

const part = (title, ...children) => el("section", { class: "part" }, el("h3", {}, title), ...children);

function nothing() {
  by("memory").replaceChildren(el("p", { class: "nothing" }, "Choose a node in the graph or in the list.\n\nAsk a question to see which memories answer it, and the way to them."));
}

async function open(id) {
  request?.abort();
  shownVersion = null;
  if (id === null) { nothing(); return; }
  const node = state.graph.byId.get(id);
  if (node && node.kind !== "memory") { aside(node); return; }
  request = new AbortController();
  const panel = by("memory");
  panel.setAttribute("aria-busy", "true");
  try {
    const told = await read("memory", { id, ...state.moment }, request.signal);
    if (state.chosen === id) memory(told);
  } catch (error) {
    if (error.name !== "AbortError") panel.replaceChildren(el("p", { class: "banner", role: "alert" }, error.message));
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

const chip = (...children) => el("span", { class: "chip" }, ...children);
function familyChip(node) {
  const dot = el("span", { class: `dot ${family(node)}`, "aria-hidden": "true" });
  dot.style.background = nodeColour(family(node));
  return chip(dot, familyName(family(node)).replace(/ies$/, "y").replace(/s$/, ""));
}

/** Show a name or a source: what it is joined to is in the graph already. */
function aside(node) {
  const edges = node.edges.map((edge) => {
    const out = edge.source === node.id;
    const other = state.graph.byId.get(out ? edge.target : edge.source);
    return { type: edge.type, direction: out ? "out" : "in", id: other.id, kind: other.kind, label: other.text };
  });
  by("memory").replaceChildren(el("div", { class: "chips" }, familyChip(node)), el("p", { class: "says-all" }, node.label),
    part(`Memories (${edges.length})`, edgeList(edges)));
}

function memory(told) {
  const { item, history } = told;
  const knownAt = state.moment.known_at === null ? Infinity : new Date(state.moment.known_at).getTime();
  const then = history.filter((v) => new Date(v.recorded_from).getTime() <= knownAt); // what was learned later was not known
  const known = then.length ? then : history;
  const last = item ? null : known.at(-1);
  const says = item ?? { memory: last.memory, fields: { ...last.fields, version: last.version } };
  const f = says.fields;
  const chips = [familyChip({ kind: "memory", ...f }), f.type ? chip(f.type) : null, f.status && f.status !== "activated" ? chip(f.status) : null,
    f.frozen ? chip("frozen") : null, f.visibility ? chip(f.visibility) : null, ...(f.tags ?? []).map((tag) => chip(`#${tag}`))];
  by("memory").replaceChildren(
    ...(item ? [] : [el("p", { class: "banner" }, "It does not hold at the moment looked at. This is what it said last.")]),
    el("div", { class: "chips" }, ...chips),
    ...(f.key ? [el("p", { class: "note" }, f.key)] : []),
    el("p", { class: "says-all" }, says.memory),
    el("p", { class: "span" }, `Holds ${day(f.valid_from)} – ${day(f.valid_to)} · known since ${day(f.recorded_from)}`),
    part(known.length === 1 ? "History: one version" : `History: ${known.length} versions`, ...line(known, f.version)),
    ...(told.edges.length ? [part(`Joined to (${told.edges.length})`, edgeList(told.edges))] : []),
    ...(f.sources?.length ? [part("Sources", ...f.sources.map(source))] : []),
    part("Fields", fields(told.id, f)),
  );
  by("memory").scrollTop = 0;
}

function edgeList(edges) {
  const most = 200;
  return el("ul", { class: "edges" }, ...edges.slice(0, most).map((edge) => {
    const type = el("span", { class: "type" }, edge.direction === "out" ? `${edge.type} →` : `← ${edge.type}`);
    type.style.borderLeftColor = edgeColour(edge.type);
    const own = Object.entries(edge.properties ?? {}).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ");
    return el("li", {}, type, el("span", {}, el("button", { class: "link", type: "button", onclick: () => choose(edge.id, { centre: true }) }, edge.label), own ? el("span", { class: "note" }, ` ${own}`) : null));
  }), ...(edges.length > most ? [el("li", {}, el("span", { class: "note" }, `and ${edges.length - most} more`))] : []));
}

function source(data) {
  if (data === null || typeof data !== "object") return el("p", { class: "note" }, String(data));
  return el("dl", { class: "fields" }, ...Object.entries(data).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
}

const ELSEWHERE = new Set(["tags", "sources", "memory_type", "key", "status", "visibility", "type", "frozen"]);
function fields(id, given) {
  const rows = Object.entries(given).filter(([name]) => !ELSEWHERE.has(name));
  const shown = (name, value) => (/(_at|_from|_to|_time)$/.test(name) && typeof value === "string" ? minute(value) : typeof value === "object" ? JSON.stringify(value, null, 1) : String(value));
  return el("dl", { class: "fields" }, el("dt", {}, "id"), el("dd", {}, id), ...rows.flatMap(([name, value]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, shown(name, value))]));
}

/** Return the versions as bars on a line of valid time, a lane each; what is not believed any more is struck out. */
function line(history, told) {
  const time = (text) => new Date(text).getTime();
  const starts = history.map((v) => time(v.valid_from));
  const ends = history.filter((v) => v.valid_to).map((v) => time(v.valid_to));
  const first = Math.min(...starts);
  const reach = Math.max(...starts, ...ends, state.moment.as_of ? time(state.moment.as_of) : 0);
  const now = Date.now();
  const last = Math.max(Math.min(reach, Date.now() + 366 * 86_400_000), Date.now(), first + 86_400_000); // open bars end at now, or later where a moment to come is told
  const percent = (t) => Math.min(100, Math.max(0, (100 * (t - first)) / (last - first)));
  const text = el("div", { class: "version-text", "aria-live": "polite" });
  const box = el("div", { class: "line", role: "listbox", tabindex: "-1", "aria-label": "Versions, in the order they were learned" });
  const buttons = history.map((version, i) => {
    const gone = version.recorded_to !== null && (state.moment.known_at === null || time(version.recorded_to) <= time(state.moment.known_at));
    const button = el("button", {
      type: "button", role: "option", "aria-selected": "false", class: `version${gone ? " gone" : ""}${version.valid_to ? "" : " open"}`, tabindex: i === history.length - 1 ? "0" : "-1",
      title: `Version ${version.version}: ${version.memory.slice(0, 200)}`,
      "aria-label": `Version ${version.version}: held ${day(version.valid_from)} to ${day(version.valid_to)}, known ${day(version.recorded_from)} to ${version.recorded_to ? day(version.recorded_to) : "now"}`,
    }, `v${version.version}${gone ? ` believed ${day(version.recorded_from)} – ${day(version.recorded_to)}` : ""}`);
    const [from, to] = [percent(time(version.valid_from)), percent(version.valid_to ? time(version.valid_to) : Math.max(now, time(version.valid_from)))];
    button.style.left = `${Math.min(from, 94)}%`;
    button.style.width = `${Math.max(to - from, 0)}%`;
    button.addEventListener("click", () => select(i));
    return button;
  });
  function select(i) {
    shownVersion = history[i].version;
    buttons.forEach((button, j) => { button.setAttribute("aria-selected", String(i === j)); button.tabIndex = i === j ? 0 : -1; });
    const v = history[i];
    const who = (operation) => [operation.kind, operation.actor ? `by ${operation.actor}` : null, operation.reason ? `“${operation.reason}”` : null].filter(Boolean).join(" ");
    text.replaceChildren(
      el("p", {}, ...compared(i > 0 ? history[i - 1].memory : null, v.memory)),
      el("p", { class: "span" }, `Version ${v.version}, ${v.fields.status ?? ""}: held ${minute(v.valid_from)} – ${v.valid_to ? minute(v.valid_to) : "open"}`),
      el("p", { class: "span" }, `known ${minute(v.recorded_from)} – ${v.recorded_to ? minute(v.recorded_to) : "now"}`),
      el("p", { class: "span" }, `opened: ${who(v.opened_by)}`), ...(v.closed_by ? [el("p", { class: "span" }, `closed: ${who(v.closed_by)}`)] : []),
      el("button", { type: "button", class: "link", onclick: () => tell("operation", v.opened_by.id) }, "See the change"),
    );
  }
  box.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const i = Math.min(buttons.length - 1, Math.max(0, to));
    buttons[i].focus();
    select(i);
  });
  const moment = el("span", { class: "moment", title: "The moment looked at" });
  const at = percent(state.moment.as_of ? time(state.moment.as_of) : now);
  moment.style.left = `calc(12px + (100% - 24px) * ${at / 100})`;
  box.append(...buttons.map((button) => el("div", { class: "lane", role: "presentation" }, button)), moment,
    el("div", { class: "axis", "aria-hidden": "true" }, ...[0, 0.5, 1].map((part) => el("span", {}, day(first + part * (last - first))))));
  const holds = history.findIndex((v) => v.version === told);
  select(holds >= 0 ? holds : history.length - 1);
  return [box, text];
}

/** Return a text with what changed from the one before marked, word by word. */
function compared(before, after) {
  if (before === null || before === after) return [after];
  const [a, b] = [before.split(/(\s+)/), after.split(/(\s+)/)];
  if (a.length * b.length > 250_000) return [after];
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) for (let j = b.length - 1; j >= 0; j -= 1) best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const parts = [];
  const put = (kind, word) => { if (parts.at(-1)?.kind === kind) parts.at(-1).text += word; else parts.push({ kind, text: word }); };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { put("same", a[i]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) { put("del", a[i]); i += 1; }
    else { put("ins", b[j]); j += 1; }
  }
  return parts.map((each) => (each.kind === "same" ? each.text : el(each.kind, {}, each.text)));
}

export function setUpMemory() {
  nothing();
  on("chosen", ({ id }) => open(id).catch((error) => say(error.message, true)));
  on("graph", () => { if (state.chosen !== null) open(state.chosen).catch((error) => say(error.message, true)); });
}
