// The list of all nodes, so that each can be reached without a mouse. Only the rows in sight are on the page.

import { by, day, el } from "./dom.js";
import { hidden } from "./graph.js";
import { family, familyName, nodeColour } from "./palette.js";
import { choose, on, state } from "./state.js";

const HEIGHT = 32;
let rows = [];
let active = 0;

const order = (node) => (node.type === "topic" ? 0 : { memory: 1, entity: 2, source: 3 }[node.kind]);

function fill() {
  const words = by("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = rows[active]?.id;
  rows = state.graph.nodes.filter((node) => !hidden.has(family(node)) && words.every((word) => node.text.toLowerCase().includes(word)));
  rows.sort((a, b) => order(a) - order(b) || (b.valid_from ?? "").localeCompare(a.valid_from ?? "") || a.label.localeCompare(b.label));
  active = Math.max(0, rows.findIndex((node) => node.id === kept));
  by("nodes-count").textContent = rows.length.toLocaleString();
  by("nodes-space").style.height = `${rows.length * HEIGHT}px`;
  draw();
}

function draw() {
  const box = by("nodes");
  const first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 4);
  const last = Math.min(rows.length, Math.ceil((box.scrollTop + box.clientHeight) / HEIGHT) + 4);
  const made = [];
  for (let i = first; i < last; i += 1) {
    const node = rows[i];
    const dot = el("span", { class: `dot ${family(node)}`, "aria-hidden": "true" });
    dot.style.background = nodeColour(family(node));
    const row = el("div", {
      class: `row${i === active ? " active" : ""}`, role: "option", id: `row-${i}`, title: node.text.slice(0, 400), "aria-selected": String(node.id === state.chosen),
      "aria-posinset": i + 1, "aria-setsize": rows.length, "aria-label": `${node.label}, ${familyName(family(node))}`,
      onclick: () => { active = i; choose(node.id, { centre: true }); },
    }, dot, el("span", { class: "label" }, node.label), node.valid_from ? el("time", {}, day(node.valid_from)) : null);
    row.style.top = `${i * HEIGHT}px`;
    made.push(row);
  }
  box.replaceChildren(by("nodes-space") ?? el("div", { id: "nodes-space" }), ...made);
  if (rows.length) box.setAttribute("aria-activedescendant", `row-${active}`);
  else box.removeAttribute("aria-activedescendant");
}

function go(to) {
  if (!rows.length) return;
  active = Math.min(rows.length - 1, Math.max(0, to));
  const box = by("nodes");
  if (active * HEIGHT < box.scrollTop) box.scrollTop = active * HEIGHT;
  if ((active + 1) * HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = (active + 1) * HEIGHT - box.clientHeight;
  draw();
}

export function setUpBrowse() {
  const box = by("nodes");
  const page = () => Math.max(1, Math.floor(box.clientHeight / HEIGHT) - 1);
  const steps = { ArrowDown: () => active + 1, ArrowUp: () => active - 1, Home: () => 0, End: () => rows.length - 1, PageDown: () => active + page(), PageUp: () => active - page() };
  box.addEventListener("keydown", (event) => {
    if (steps[event.key]) go(steps[event.key]());
    else if ((event.key === "Enter" || event.key === " ") && rows[active]) choose(rows[active].id, { centre: true });
    else return;
    event.preventDefault();
  });
  box.addEventListener("scroll", draw, { passive: true });
  by("filter").addEventListener("input", () => { active = 0; box.scrollTop = 0; fill(); });
  by("filter").addEventListener("keydown", (event) => { if (event.key === "ArrowDown" || event.key === "Enter") { box.focus(); event.preventDefault(); } });
  new ResizeObserver(draw).observe(box);
  on("graph", fill);
  on("legend", fill);
  on("chosen", ({ id }) => {
    const at = rows.findIndex((node) => node.id === id);
    if (at >= 0) go(at);
    else draw();
  });
}
