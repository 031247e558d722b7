// The legend: each kind that is there with how many there are; pressing one hides or shows it.

import { by, el } from "./dom.js";
import { drawn, hidden, show } from "./graph.js";
import { edgeColour, edgeWidth, family, familyName, nodeColour } from "./palette.js";
import { state, tell } from "./state.js";

const counted = (names) => [...names.reduce((sums, name) => sums.set(name, (sums.get(name) ?? 0) + 1), new Map())].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));

function entry(name, label, count, mark) {
  const pressed = !hidden.has(name);
  const button = el("button", { type: "button", "aria-pressed": String(pressed), title: pressed ? `Hide ${label}` : `Show ${label}` }, mark, el("span", {}, label), el("span", {}, count.toLocaleString()));
  button.dataset.name = name;
  button.addEventListener("click", () => {
    if (pressed) hidden.add(name);
    else hidden.delete(name);
    show();
    tell("legend");
    fill();
    by("legend").querySelector(`[data-name="${CSS.escape(name)}"]`)?.focus();
  });
  return el("li", {}, button);
}

export function fill() {
  const families = counted(state.graph.nodes.map(family));
  const types = counted(state.graph.edges.map((edge) => edge.type));
  const nodes = families.map(([name, count]) => {
    const dot = el("span", { class: `dot ${name}`, "aria-hidden": "true" });
    dot.style.background = nodeColour(name);
    return entry(name, familyName(name), count, dot);
  });
  const edges = types.map(([type, count]) => {
    const stroke = el("span", { class: "stroke", "aria-hidden": "true" });
    stroke.style.borderTopColor = edgeColour(type);
    stroke.style.borderTopWidth = `${Math.max(1.5, edgeWidth(type))}px`;
    return entry(type, type, count, stroke);
  });
  const kept = drawn.edges < drawn.edgesThere
    ? [el("p", { class: "note" }, `${drawn.edges.toLocaleString()} of ${drawn.edgesThere.toLocaleString()} edges are drawn; of what is chosen, all.`)] : [];
  const row = (title, entries) => (entries.length ? [el("section", { "aria-label": title }, el("h2", {}, title), el("ul", {}, ...entries))] : []);
  by("legend").replaceChildren(...row("Nodes", nodes), ...row("Edges", edges), ...kept);
  by("legend").hidden = !state.graph.nodes.length;
}
