// What the reorganizer would do, action by action, with its reasons; with --write each can be accepted.

import { change, read } from "./api.js";
import { undo } from "./changes.js";
import { by, el, say } from "./dom.js";
import { plan as mark } from "./graph.js";
import { choose, on, state, tell } from "./state.js";

let plan = null;
const dropped = new Set();
const outcomes = new Map();
let everything = true;
let group = true;
let busy = false;

async function make() {
  busy = true;
  draw();
  try {
    plan = await read("plan", { everything: everything ? 1 : 0, group: group ? 1 : 0 });
    dropped.clear();
    outcomes.clear();
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
    draw();
    focusFirst();
  }
}

const waiting = () => (plan?.actions ?? []).filter((action) => !dropped.has(action.number) && outcomes.get(action.number)?.status !== "done");

async function accept(numbers) {
  busy = true;
  draw();
  try {
    const report = await change("apply", { plan: plan.id, actions: numbers });
    for (const outcome of report.outcomes) outcomes.set(outcome.number, outcome);
    const done = report.outcomes.filter((o) => o.status === "done").length;
    const skipped = report.outcomes.filter((o) => o.status === "skipped");
    say(skipped.length ? `${done} done, ${skipped.length} skipped: ${skipped[0].detail}` : `${done} done`, done === 0);
    mark([]);
    tell("changed");
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
    draw();
    focusFirst();
  }
}

function drop(numbers) {
  for (const number of numbers) dropped.add(number);
  mark([]);
  draw();
}

function card(action) {
  const outcome = outcomes.get(action.number);
  const write = state.about.write;
  const buttons = [];
  if (outcome?.status === "done" && write) {
    buttons.push(el("span", { class: "outcome" }, "done"), el("button", { type: "button", onclick: async (event) => { await undo({ id: outcome.operation, kind: action.kind }, event.currentTarget); } }, "Undo"));
  } else {
    if (outcome) buttons.push(el("span", { class: "outcome skipped" }, `${outcome.status}${outcome.detail ? `: ${outcome.detail}` : ""}`));
    if (write) {
      buttons.push(el("button", { type: "button", class: "main", disabled: busy, "aria-label": `Accept ${action.kind}, action ${action.number + 1}`, onclick: () => accept([action.number]) }, "Accept"));
      buttons.push(el("button", { type: "button", disabled: busy, "aria-label": `Drop ${action.kind}, action ${action.number + 1}`, onclick: () => drop([action.number]) }, "Drop"));
    }
  }
  const ids = action.memories.map((memory) => memory.id);
  return el("li", { class: `action${outcome?.status === "done" ? " done" : ""}` },
    el("div", { class: "head" }, el("span", { class: "kind" }, action.kind), action.edge ? el("span", { class: "chip" }, action.edge) : null, el("span", { class: "grow" }), el("span", { class: "note" }, `${Math.round(100 * action.confidence)} %`)),
    ...(action.text ? [el("p", {}, action.text)] : []),
    el("p", { class: "reason" }, action.reason),
    el("ul", {}, ...action.memories.map((memory) => el("li", {}, el("button", { type: "button", class: "link", onclick: () => choose(memory.id, { centre: true }) }, memory.text || memory.id)))),
    el("div", { class: "buttons" }, ...buttons, el("button", { type: "button", class: "quiet", onclick: () => mark(ids) }, "Show in the graph")));
}

function check(label, value, set) {
  return el("label", { class: "check" }, el("input", { type: "checkbox", checked: value, onchange: (event) => set(event.currentTarget.checked) }), label);
}

function draw() {
  const shown = (plan?.actions ?? []).filter((action) => !dropped.has(action.number));
  const left = waiting();
  const all = state.about.write && left.length > 1
    ? [el("div", { class: "plan-bar" }, el("button", { type: "button", class: "main", disabled: busy, onclick: () => accept(left.map((a) => a.number)) }, `Accept all ${left.length}`), el("button", { type: "button", disabled: busy, onclick: () => drop(left.map((a) => a.number)) }, "Drop all"))] : [];
  const told = plan === null ? [el("p", { class: "note" }, "The reorganizer looks for what says the same, contradicts, took the place of something, or belongs together. A plan changes nothing until it is accepted.")]
    : shown.length === 0 ? [el("p", { class: "nothing" }, `Nothing to do. ${plan.looked_at} memories were looked at.`)] : [];
  by("plan").replaceChildren(
    check("Look at all, not only at what changed since the last run", everything, (value) => { everything = value; }),
    check("Also group what belongs together below topics", group, (value) => { group = value; }),
    el("div", { class: "plan-bar" }, el("button", { type: "button", id: "make-plan", class: plan ? "" : "main", disabled: busy, onclick: make }, busy ? "Working…" : plan ? "Make a new plan" : "Make a plan")),
    ...told, ...(plan?.notes ?? []).map((note) => el("p", { class: "note" }, note)),
    ...(shown.length && !state.about.write ? [el("p", { class: "note" }, "To accept or drop actions, start treemem view with --write.")] : []),
    ...all, el("ul", { class: "cards" }, ...shown.map(card)));
}

/** Bring the keyboard to the first action that waits, else to the button that makes a plan. */
function focusFirst() {
  (by("plan").querySelector(".action:not(.done) button.main, .action .link") ?? by("make-plan")).focus();
}

export function setUpPlans() {
  on("undone", (operation) => {
    for (const [number, outcome] of outcomes) if (outcome.operation === operation) { outcomes.delete(number); dropped.add(number); }
    const inside = by("plan").contains(document.activeElement) || document.activeElement === document.body;
    draw();
    if (inside && !by("plan").hidden) focusFirst();
  });
  on("about", draw);
}
