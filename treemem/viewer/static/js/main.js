// The page: reads the memory at a moment, hands it to its parts, and listens to keys.

import { read } from "./api.js";
import { setUpBrowse } from "./browse.js";
import { setUpChanges } from "./changes.js";
import { by, el, say } from "./dom.js";
import { arrange, lookedAt, setUpGraph, show } from "./graph.js";
import { fill as fillLegend } from "./legend.js";
import { setUpMemory } from "./memory.js";
import { setUpPlans } from "./plans.js";
import { ask, forget, setUpSearch } from "./search.js";
import { choose, on, state, tell, unpacked } from "./state.js";
import { setUpTimes } from "./times.js";
import { dark } from "./palette.js";

const TABS = ["memory", "changes", "plan"];
let request = null;
let good = { as_of: null, known_at: null };

async function readAbout() {
  state.about = await read("about");
  const { cube, location, write } = state.about;
  by("where").replaceChildren(el("b", {}, cube), " · ", location);
  by("where").title = location;
  by("access").textContent = write ? "may change" : "read-only";
  by("access").className = write ? "badge write" : "badge";
  document.title = `${cube} – treemem`;
  tell("about");
}

async function readGraph({ first = false } = {}) {
  request?.abort();
  request = new AbortController();
  const mine = request;
  by("loading").hidden = false;
  try {
    const columns = await read("graph", state.moment, mine.signal);
    if (mine !== request) return;
    good = { ...state.moment };
    state.graph = unpacked(columns);
    show();
    fillLegend();
    if (first) show.all();
    told();
    tell("graph");
  } catch (error) {
    if (error.name === "AbortError") return;
    say(error.message, true);
    if (state.graph === null) throw error;
    Object.assign(state.moment, good); // the graph that stands there is still that of the last moment that was read
    tell("moment-lost");
  } finally {
    if (mine === request) by("loading").hidden = true;
  }
}

function told() {
  const memories = state.graph.nodes.filter((node) => node.kind === "memory").length;
  const past = state.moment.as_of !== null || state.moment.known_at !== null;
  by("counts").textContent = `${memories.toLocaleString()} memories, ${state.graph.edges.length.toLocaleString()} edges${past ? " then" : ""}`;
  by("empty").hidden = state.graph.nodes.length > 0;
  by("empty").textContent = past ? "Nothing was known to hold at this moment." : "This cube is empty.\nAdd a memory: treemem add \"Anna moved to Lisbon.\"";
}

async function again() {
  try {
    await readAbout();
    await readGraph();
    await ask(undefined, { again: true });
  } catch (error) {
    say(error.message, true);
  }
}

function openTab(name, focus = true) {
  for (const each of TABS) {
    const tab = by(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    by(each).hidden = each !== name;
  }
  if (focus) by(`tab-${name}`).focus();
  tell("tab", name);
}

function setUpTabs() {
  for (const name of TABS) {
    by(`tab-${name}`).addEventListener("click", () => openTab(name));
    by(`tab-${name}`).addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) openTab(TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length]);
    });
  }
  on("open-tab", (name) => openTab(name, false));
  on("chosen", ({ id }) => { if (id !== null && by("memory").hidden) openTab("memory", false); });
}

function setUpKeys() {
  const keys = {
    "/": () => { by("question").focus(); by("question").select(); }, l: () => by("nodes").focus(), g: () => by("graph").focus(), t: () => by("as_of-slider").focus(),
    m: () => openTab("memory"), c: () => openTab("changes"), p: () => openTab("plan"), r: () => again(), a: () => arrange(state.arranged === "web" ? "tree" : "web"), "?": () => by("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (by("help").open || event.ctrlKey || event.metaKey || event.altKey) return;
    const writing = event.target instanceof HTMLInputElement && !["range", "checkbox"].includes(event.target.type);
    if (event.key === "Escape") {
      if (!by("toast").hidden) by("toast").hidden = true;
      else if (writing && event.target.value !== "") { // one thing at a time: first what is being written
        if (event.target.id === "question") forget();
        else if (event.target.id === "filter") { event.target.value = ""; event.target.dispatchEvent(new Event("input")); }
        else event.target.blur();
      } else if (state.chosen !== null) choose(null);
      else if (!forget() && writing) event.target.blur();
      event.preventDefault();
    } else if (!writing && keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
    }
  });
  by("keys").addEventListener("click", () => by("help").showModal());
  by("refresh").addEventListener("click", again);
}

async function start() {
  setUpGraph();
  setUpTimes();
  setUpBrowse();
  setUpSearch();
  setUpMemory();
  setUpChanges();
  setUpPlans();
  setUpTabs();
  setUpKeys();
  on("moment", async () => { await readGraph(); await ask(undefined, { again: true }); });
  on("changed", again);
  on("chosen", ({ centre }) => { show.chosen(centre); });
  dark.addEventListener("change", () => { if (state.graph) { fillLegend(); tell("legend"); } });
  try {
    await readAbout();
    await readGraph({ first: true });
    document.body.dataset.ready = "true";
  } catch (error) {
    by("empty").textContent = error.message;
    by("empty").hidden = false;
    by("loading").hidden = true;
    document.body.dataset.unread = "true";
  }
}

window.treemem = { lookedAt, state };
start();
