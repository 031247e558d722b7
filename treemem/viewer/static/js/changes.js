// The audit trail, newest first; with --write each operation can be taken back.

import { change, read } from "./api.js";
import { by, el, minute, say, short } from "./dom.js";
import { choose, on, state, tell } from "./state.js";

const LIMIT = 50;
/** What cannot be taken back: what is erased, and notes of the reorganizer. */
const NOTES = new Set(["reorganized", "reorganize_failed"]);
const NOT_UNDONE = new Set(["purge", ...NOTES]);
let lines = [];
let more = false;
let marked = null;
let focusOn = null; // the operation whose line has the keyboard once the list is drawn anew

async function load(before = null) {
  try {
    const found = await read("operations", { limit: LIMIT, before });
    lines = before === null ? found.operations : [...lines, ...found.operations.filter((o) => !lines.some((l) => l.id === o.id))];
    more = found.more;
    draw();
  } catch (error) {
    by("changes").replaceChildren(el("p", { class: "banner", role: "alert" }, error.message));
  }
}

/** Return the ids of what is taken back: an undo that was itself undone takes nothing back. The newest come first. */
function takenBackOf(operations) {
  const gone = new Set();
  for (const o of operations) if (o.undoes && !gone.has(o.id)) gone.add(o.undoes);
  return gone;
}

/** What an operation did: the memories and edges that it opened or closed, each a way to its memory. */
async function what(row, o) {
  const box = el("ul", { class: "what-changed" });
  try {
    const { memories, edges, more: rest } = await read("changed", { since: o.recorded_at, until: lines[lines.indexOf(o) - 1]?.recorded_at });
    const signs = { added: "+", changed: "~", closed: "−" };
    box.append(...memories.map((m) => el("li", {}, `${signs[m.kind]} `, el("button", { type: "button", class: "link", onclick: () => choose(m.id, { centre: true }) }, short(m.text || m.id, 110)))));
    box.append(...edges.map((e) => el("li", {}, `${signs[e.kind]} `, el("button", { type: "button", class: "link", onclick: () => choose(e.source, { centre: true }) }, short(e.from, 48)), ` —${e.type}→ `,
      el("button", { type: "button", class: "link", onclick: () => choose(e.target, { centre: true }) }, short(e.to, 48)))));
    if (rest) box.append(el("li", { class: "note" }, `and ${rest} more`));
    if (!memories.length && !edges.length) box.append(el("li", { class: "note" }, "No memory says anything else than before."));
  } catch (error) {
    box.append(el("li", { class: "note" }, error.message));
  }
  row.append(box);
}

function draw() {
  const gone = takenBackOf(lines);
  const rows = lines.filter((o) => !NOTES.has(o.kind) || o.id === marked).map((o) => {
    const takenBack = gone.has(o.id);
    const button = state.about.write && !NOT_UNDONE.has(o.kind) && !takenBack
      ? el("button", { type: "button", "aria-label": `Undo ${o.kind} of ${minute(o.recorded_at)}`, onclick: (event) => undo(o, event.currentTarget) }, "Undo") : null;
    const row = el("li", { class: "operation", tabindex: "-1" },
      el("span", { class: "what" }, o.undoes ? "undo" : o.kind.replaceAll("_", " "), takenBack ? el("span", { class: "note" }, " (taken back)") : null), button,
      el("span", { class: "note" }, minute(o.recorded_at), o.actor ? ` · ${o.actor}` : "", o.status === "done" ? "" : ` · ${o.status}`),
      ...(o.reason ? [el("span", { class: "note" }, o.reason)] : []), ...(o.undoes ? [el("span", { class: "note" }, `takes back ${o.undoes}`)] : []));
    row.dataset.id = o.id;
    row.append(el("span", { class: "note", title: o.id }, `id ${o.id.slice(0, 12)}`));
    if (!NOTES.has(o.kind)) {
      row.append(el("button", { type: "button", class: "link show", "aria-label": `What ${o.kind} of ${minute(o.recorded_at)} changed`,
        onclick: (event) => { event.currentTarget.remove(); row.focus(); what(row, o); } }, "What changed"));
    }
    return row;
  });
  by("changes").replaceChildren(
    ...(rows.length ? [] : [el("p", { class: "nothing" }, "Nothing was ever changed here.")]),
    ...(rows.length && !state.about.write ? [el("p", { class: "note" }, "To take changes back, start treemem view with --write.")] : []),
    el("ul", { class: "cards" }, ...rows),
    ...(more ? [el("button", { type: "button", onclick: () => load(lines.at(-1).recorded_at) }, "Older ones")] : []),
  );
  if (focusOn !== null && !by("changes").hidden) {
    [...by("changes").querySelectorAll(".operation")].find((each) => each.dataset.id === focusOn)?.focus();
    focusOn = null;
  }
  if (marked) {
    const row = [...by("changes").querySelectorAll(".operation")].find((each) => each.dataset.id === marked);
    if (row) { row.scrollIntoView({ block: "center" }); row.focus(); }
    else if (more) { load(lines.at(-1).recorded_at); return; } // it is older: read on until it is there
    else say("That change is not in the trail that you may see.");
    marked = null;
  }
}

export async function undo(operation, button) {
  const named = operation.kind.replaceAll("_", " ");
  button.disabled = true;
  try {
    const { operation: done } = await change("undo", { operation: operation.id });
    const back = () => undo({ id: done, kind: `undo of ${named}` }, back.button);
    back.button = el("button", { type: "button", onclick: back }, "Undo that");
    say(`Taken back: ${named}`, false, back.button);
    tell("changed");
    tell("undone", operation.id);
    focusOn = operation.id;
  } catch (error) {
    button.disabled = false;
    say(error.message, true);
  }
}

export function setUpChanges() {
  on("tab", (name) => { if (name === "changes") load(); });
  on("changed", () => { if (!by("changes").hidden) load(); });
  on("operation", (id) => { marked = id; tell("open-tab", "changes"); });
}
