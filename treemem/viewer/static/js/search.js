// Asking: hits with score, dates and the way the walk took, which is drawn in the graph too.

import { read } from "./api.js";
import { by, day, el, say, short } from "./dom.js";
import { highlight } from "./graph.js";
import { choose, on, state } from "./state.js";

let asked = null;

export async function ask(question = asked, { again = false } = {}) {
  if (!question) return;
  asked = question;
  by("search").setAttribute("aria-busy", "true");
  try {
    const found = await read("search", { q: question, k: 10, ...state.moment });
    if (asked !== question) return;
    state.found = found;
    if (!again) choose(null);
    list(question);
    highlight(found.hits);
    if (!again && found.hits.length) by("hits").querySelector("button")?.focus();
  } catch (error) {
    say(error.message, true);
  } finally {
    by("search").removeAttribute("aria-busy");
  }
}

export function forget() {
  if (asked === null && by("question").value === "") return false;
  asked = null;
  state.found = null;
  by("question").value = "";
  by("found").hidden = true;
  highlight([]);
  return true;
}

const name = (id) => short(state.graph.byId.get(id)?.label ?? id, 34);

/** Return the way to a hit as it was walked: a step may go against the direction of its edge. */
function way(hit) {
  if (!hit.path.length) {
    const arms = Object.entries(hit.arms).map(([arm, rank]) => `${arm} ${rank}`);
    return el("div", { class: "path" }, arms.length ? `found by ${arms.join(", ")}` : "found by name");
  }
  const parts = [];
  const ends = hit.path.map((step) => [step.source, step.target]);
  let at = ends.length > 1 ? ends[0].find((id) => !ends[1].includes(id)) : ends[0].find((id) => id !== hit.id);
  at ??= ends[0][0];
  const shown = (id) => el("span", { class: "node-name" }, id === hit.id ? "this" : name(id));
  parts.push(shown(at));
  for (const step of hit.path) {
    const forth = step.source === at;
    at = forth ? step.target : step.source;
    parts.push(el("span", { class: "step" }, forth ? ` —${step.type}→ ` : ` ←${step.type}— `), shown(at));
  }
  return el("div", { class: "path" }, ...parts);
}

function list(question) {
  const { hits, stages, when, degraded } = state.found;
  const spent = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  by("found").hidden = false;
  by("found-title").textContent = hits.length ? `${hits.length} hits` : "No hits";
  const notes = [hits.length ? `${Math.round(1000 * spent)} ms` : `Nothing known at this moment answers “${short(question)}”.`];
  if (when !== "now" && state.moment.as_of === null) notes.push(`as of ${when.replace(/^at from /, "")}`);
  by("found-note").textContent = [...notes, ...degraded].join(" · ");
  by("hits").replaceChildren(...hits.map((hit, i) => {
    const flags = [];
    if (hit.superseded_by) flags.push("superseded");
    if (hit.may_supersede) flags.push("a newer one says otherwise");
    if (hit.contradicts.length) flags.push("contradicted");
    const fields = hit.fields;
    const score = el("progress", { max: 1, value: hit.score, "aria-hidden": "true" });
    return el("li", {}, el("button", { class: "hit", type: "button", "aria-current": String(hit.id === state.chosen), onclick: () => choose(hit.id, { centre: true }) },
      el("span", { class: "rank" }, String(i + 1)),
      el("span", { class: "says" }, hit.passage ?? hit.memory),
      el("span", { class: "meta" }, el("span", { class: "score" }, score, hit.score.toFixed(2)), el("span", {}, fields.type ?? fields.memory_type.replace("Memory", "")),
        el("span", {}, `${day(fields.valid_from)} – ${day(fields.valid_to)}`), ...flags.map((flag) => el("span", { class: "flag" }, flag))),
      way(hit)));
  }));
}

export function setUpSearch() {
  by("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const question = by("question").value.trim();
    if (question) ask(question);
    else forget();
  });
  by("clear").addEventListener("click", () => { forget(); by("question").focus(); });
  by("hits").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...by("hits").querySelectorAll("button")];
    all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement) + step))]?.focus();
    event.preventDefault();
  });
  on("chosen", ({ id }) => {
    [...by("hits").querySelectorAll("button")].forEach((button, i) => button.setAttribute("aria-current", String(state.found?.hits[i]?.id === id)));
  });
}
