// The drawing: which nodes and edges are shown, what of them is lit, and how one moves over them.

import { tree, web } from "./arrange.js";
import { by } from "./dom.js";
import { Ground } from "./ground.js";
import { dark, edgeColour, edgeWidth, family, nodeColour, palette } from "./palette.js";
import { choose, state } from "./state.js";

/** From how many nodes on all lie in one picture below, and the library draws what is chosen, found or planned. */
const MANY = 1200;
/** From how many nodes on the library moves a picture of its own instead of drawing each frame. */
const SOME = 300;
/** How many edges are drawn of a large graph; those of what is chosen or found are drawn besides. */
const MOST_EDGES = 60000;
/** How many edges of the chosen node are lit in a large graph, the strongest ones first. */
const MOST_LIT = 300;
const FIRST = ["PARENT", "CAUSES", "SUPERSEDES", "CONTRADICTS", "MERGED_INTO", "RELATES_TO"];
const importance = (type) => { const i = FIRST.indexOf(type); return i >= 0 ? i : { MENTIONS: 20, FOLLOWS: 15, DERIVED_FROM: 21 }[type] ?? 10; };

export const hidden = new Set(["source"]); // families and edge types that the legend hides
export const drawn = { nodes: 0, edges: 0, edgesThere: 0 };
let cy = null;
let ground = null;
let many = false;
let some = false;
let path = { nodes: new Set(), edges: new Set(), hits: new Map() };
let planned = new Set();
let shownNow = [];
/** How much larger nodes, lines and names are drawn than they are, so that a far look still shows them. */
let grow = 1;
let letters = 1;

const size = (node) => {
  const most = node.kind === "memory" ? 40 : node.kind === "entity" ? 30 : 12;
  const least = node.type === "topic" ? 26 : { memory: 20, entity: 12, source: 8 }[node.kind];
  return Math.min(most, least + 3 * Math.sqrt(Math.max(0, node.edges.length - 1)));
};

function styles() {
  const p = palette();
  const families = [...new Set(state.graph.nodes.map(family))];
  const types = [...new Set(state.graph.edges.map((edge) => edge.type))];
  const asTree = state.arranged === "tree";
  const label = {
    label: "data(label)", color: p.text, "font-size": 10, "text-valign": "bottom", "text-margin-y": 3, "text-wrap": "ellipsis", "text-max-width": 120,
    "text-outline-color": p.halo, "text-outline-width": 2, "min-zoomed-font-size": asTree ? 6 : 8.5, "font-family": "ui-sans-serif, system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif",
    ...(asTree ? { "font-size": 11 * Math.min(letters, 1.9), "text-max-width": 215, "text-valign": "center", "text-halign": "right", "text-margin-x": 5, "text-margin-y": 0 } : {}),
  };
  return [
    { selector: "node", style: { width: (e) => e.data("size") * grow, height: (e) => e.data("size") * grow, "border-width": 2 * grow, "border-color": p.ring, "overlay-opacity": 0, ...label } },
    ...families.map((name) => ({ selector: `node.${name}`, style: { "background-color": nodeColour(name) } })),
    { selector: "node.entity", style: { shape: "diamond", "font-size": 10.5 * letters, "font-weight": 600, color: p.entityName, "text-max-width": 120 * letters } },
    { selector: "node.entity[size > 16]", style: { "font-size": 12.5 * letters } },
    { selector: "node.source", style: { shape: "rectangle", label: "" } },
    { selector: "node.topic", style: { shape: "round-rectangle", "font-weight": 700, "font-size": 13 * letters, "text-max-width": 210 * letters } },
    ...(asTree ? [{ selector: "node[over > 0]", style: { "text-valign": "bottom", "text-halign": "center", "text-margin-x": 0, "text-margin-y": 3 } },
      { selector: "node.entity, node.entity[size > 16]", style: { "font-size": 11 * Math.min(letters, 1.7), "text-max-width": 118 } },
      { selector: "node.topic", style: { "font-size": 12 * Math.min(letters, 1.9), "text-max-width": 190, "text-wrap": "wrap", "text-valign": "bottom", "text-halign": "center", "text-margin-x": 0, "text-margin-y": 4 } }] : []),
    { selector: "node.unsure", style: { "background-opacity": 0.45, "border-style": "dashed", "border-color": p.text } },
    { selector: "edge", style: { "curve-style": "straight", "target-arrow-shape": "triangle", "arrow-scale": 0.8, "overlay-opacity": 0 } },
    ...types.map((type) => ({ selector: `edge.${type}`, style: { width: edgeWidth(type) * grow, "line-color": edgeColour(type), "target-arrow-color": edgeColour(type), "z-index": 20 - importance(type) } })),
    ...(asTree ? types.filter((type) => importance(type) > 9).map((type) => ({ selector: `edge.${type}`, style: { opacity: 0.13 } })) : []),
    { selector: ".dim", style: { opacity: 0.16 } },
    { selector: "node.dim", style: { "text-opacity": 0 } },
    { selector: "edge.near", style: { "curve-style": "straight", "target-arrow-shape": "triangle", "line-opacity": 1, opacity: 1, label: "data(type)", "font-size": 8.5 * letters, color: p.text, "text-rotation": "autorotate", "text-background-color": p.halo, "text-background-opacity": 0.85, "text-background-padding": 1, "min-zoomed-font-size": 7 } },
    { selector: "node.near", style: { opacity: 1, "text-opacity": 1, "font-size": 10.5 * letters, "text-max-width": 120 * letters } },
    { selector: "node.way, node.hit", style: { opacity: 1, "text-opacity": 1, "border-width": 3 * grow, "border-color": p.hit, "font-size": 11 * letters, "text-max-width": 130 * letters, "min-zoomed-font-size": 5, "z-index": 40 } },
    { selector: "node.hit", style: { "border-width": 4 * grow, "font-weight": 700, "font-size": 12 * letters, "text-max-width": 160 * letters, "z-index": 50 } },
    { selector: "edge.way", style: { "curve-style": "straight", "target-arrow-shape": "triangle", "arrow-scale": 1.1, "line-opacity": 1, opacity: 1, width: 3.5 * grow, "line-color": p.hit, "target-arrow-color": p.hit, label: "data(type)", "font-size": 9.5 * letters, "font-weight": 700, color: p.hit, "text-rotation": "autorotate", "text-background-color": p.halo, "text-background-opacity": 0.9, "text-background-padding": 2, "min-zoomed-font-size": 6, "z-index": 30 } },
    { selector: "node.planned", style: { opacity: 1, "text-opacity": 1, "border-width": 4 * grow, "border-color": p.SUPERSEDES, "font-size": 11 * letters, "text-max-width": 140 * letters, "z-index": 45 } },
    { selector: "node.chosen", style: { opacity: 1, "text-opacity": 1, "border-width": 3 * grow, "border-color": p.text, "underlay-color": nodeColour("memory"), "underlay-opacity": 0.22, "underlay-shape": "ellipse", "underlay-padding": 9 * grow, "font-size": 12.5 * letters, "font-weight": 700, "text-max-width": 220 * letters, "z-index": 60, "min-zoomed-font-size": 4 } },
  ];
}

/** Return which nodes and edges are to be there: what the legend shows, and what is chosen or found. */
function wanted() {
  const { nodes, edges, byId } = state.graph;
  const shownNodes = new Map();
  for (const node of nodes) {
    if (!hidden.has(family(node)) || path.nodes.has(node.id) || planned.has(node.id) || node.id === state.chosen) shownNodes.set(node.id, node);
  }
  let rest = edges.filter((edge) => !hidden.has(edge.type) && shownNodes.has(edge.source) && shownNodes.has(edge.target));
  drawn.edgesThere = rest.length;
  if (rest.length > MOST_EDGES) {
    rest = rest.map((edge, i) => [importance(edge.type), -edge.weight, i]).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
      .slice(0, MOST_EDGES).map(([, , i]) => rest[i]);
  }
  const shownEdges = new Map(rest.map((edge) => [edge.id, edge]));
  const lit = new Map();
  for (const id of path.nodes) for (const edge of byId.get(id)?.edges ?? []) if (path.edges.has(edge.id)) lit.set(edge.id, edge);
  const own = (byId.get(state.chosen)?.edges ?? []).filter((edge) => shownNodes.has(edge.source) && shownNodes.has(edge.target) && !hidden.has(edge.type));
  for (const edge of own.sort((a, b) => importance(a.type) - importance(b.type) || b.weight - a.weight).slice(0, many ? MOST_LIT : own.length)) lit.set(edge.id, edge);
  for (const [id, edge] of lit) shownEdges.set(id, edge);
  shownNow = [...shownNodes.values()];
  drawn.nodes = shownNodes.size;
  drawn.edges = shownEdges.size;
  if (!many) return [shownNodes, shownEdges];
  const front = new Set([...path.nodes, ...planned, state.chosen, ...[...lit.values()].flatMap((edge) => [edge.source, edge.target])]);
  laid([...shownNodes.values()], [...shownEdges.values()]);
  return [new Map([...front].filter((id) => byId.has(id)).map((id) => [id, byId.get(id)])), lit];
}

/** Lay all nodes and edges into the picture below, if they are others than before. */
function laid(nodes, edges) {
  ground ??= new Ground(by("graph"));
  const key = [state.graph, [...hidden].sort().join(), nodes.length, edges.length, state.arranged];
  if (laidFor.every((value, i) => value === key[i])) return;
  laidFor = key;
  ground.fill(nodes, edges, size);
  if (cy) ground.look(cy.zoom(), cy.pan());
}
let laidFor = [null];

const labelOf = (node) => {
  const rank = path.hits.get(node.id);
  return rank ? `${rank} · ${node.label}` : node.label;
};
const nodeElement = (node) => ({
  group: "nodes", data: { id: node.id, label: labelOf(node), size: size(node), over: node.over ? 1 : 0 }, position: { x: node.x, y: node.y },
  classes: [family(node), node.status && node.status !== "activated" ? "unsure" : ""],
});
const edgeElement = (edge) => ({ group: "edges", data: { id: `e:${edge.id}`, source: edge.source, target: edge.target, type: edge.type }, classes: [edge.type] });

function made(elements) {
  cy?.destroy();
  cy = window.cytoscape({
    container: by("graph"), elements, style: styles(), layout: { name: "preset" }, minZoom: 0.005, maxZoom: 4,
    autoungrabify: true, boxSelectionEnabled: false, selectionType: "single", autounselectify: true,
    textureOnViewport: some, ...(some ? { pixelRatio: 1 } : {}),
  });
  if (!many && ground !== null) { ground.remove(); ground = null; laidFor = [null]; }
  cy.on("tap", "node", (event) => choose(event.target.id()));
  const under = (event) => ground?.at(event.position.x, event.position.y, cy.zoom()) ?? null;
  cy.on("tap", (event) => { if (event.target === cy) choose(under(event)?.id ?? null); });
  cy.on("mousemove", (event) => { if (ground && event.target === cy) by("graph").style.cursor = under(event) ? "pointer" : ""; });
  cy.on("viewport resize", () => ground?.look(cy.zoom(), cy.pan()));
  cy.on("mouseover", "node", () => { by("graph").style.cursor = "pointer"; });
  cy.on("mouseout", "node", () => { by("graph").style.cursor = ""; });
  cy.on("zoom", () => { clearTimeout(growing); growing = setTimeout(sized, 60); });
  show.all();
  sized();
}

let growing = 0;
/** Size nodes and names for the zoom that is looked at. */
function sized() {
  const bounded = (value, most) => Math.round(Math.min(most, Math.max(1, value)) * 4) / 4;
  const [nodes, names] = [bounded((many ? 0.5 : 0.62) / cy.zoom(), many ? 30 : state.arranged === "tree" ? 1.25 : 3), bounded(0.95 / cy.zoom(), 60)];
  if (nodes === grow && names === letters) return;
  [grow, letters] = [nodes, names];
  cy.style(styles());
}

/** Draw the graph of the state: what is there stays where it is, what is gone goes, what is new comes. */
export function show() {
  const count = state.graph.nodes.length;
  const before = `${many} ${some}`;
  [many, some] = [count > MANY, count > SOME && count <= MANY];
  if (state.arranged === "tree") tree(state.graph);
  else web(state.graph);
  const [nodes, edges] = wanted();
  if (cy === null || before !== `${many} ${some}`) {
    made([...[...nodes.values()].map(nodeElement), ...[...edges.values()].map(edgeElement)]);
  } else {
    cy.batch(() => {
      cy.elements().filter((e) => (e.isNode() ? !nodes.has(e.id()) : !edges.has(e.id().slice(2)))).remove();
      const news = [];
      for (const node of nodes.values()) {
        const there = cy.getElementById(node.id);
        if (there.empty()) { news.push(nodeElement(node)); continue; }
        const at = there.position();
        if (at.x !== node.x || at.y !== node.y) there.position({ x: node.x, y: node.y });
        there.data("over", node.over ? 1 : 0);
        if (there.data("label") !== labelOf(node)) there.data("label", labelOf(node));
      }
      for (const edge of edges.values()) if (cy.getElementById(`e:${edge.id}`).empty()) news.push(edgeElement(edge));
      cy.add(news);
    });
    if (styledFor !== kinds()) cy.style(styles());
  }
  styledFor = kinds();
  light();
}
let styledFor = "";
const kinds = () => `${[...new Set(state.graph.nodes.map(family))].sort()} ${[...new Set(state.graph.edges.map((e) => e.type))].sort()} ${dark.matches} ${state.arranged}`;

/** Light what is chosen, found or planned, and let the rest step back. */
function light() {
  cy.batch(() => {
    cy.elements(".dim, .near, .way, .hit, .chosen, .planned").removeClass("dim near way hit chosen planned");
    const focus = cy.collection();
    const chosen = state.chosen === null ? cy.collection() : cy.getElementById(state.chosen);
    if (chosen.nonempty()) {
      chosen.addClass("chosen");
      const around = chosen.connectedEdges();
      around.addClass("near");
      around.connectedNodes().addClass("near");
      focus.merge(chosen).merge(around).merge(around.connectedNodes());
    }
    for (const id of path.nodes) focus.merge(cy.getElementById(id).addClass(path.hits.has(id) ? "hit" : "way"));
    for (const id of path.edges) focus.merge(cy.getElementById(`e:${id}`).addClass("way"));
    for (const id of planned) focus.merge(cy.getElementById(id).addClass("planned"));
    ground?.faint(focus.nonempty());
    if (focus.nonempty()) cy.elements().difference(focus).addClass("dim");
  });
}

/** Mark hits with their ranks and the edges by which the walk came to them. */
export function highlight(hits) {
  path = { nodes: new Set(), edges: new Set(), hits: new Map() };
  hits.forEach((hit, i) => {
    path.hits.set(hit.id, i + 1);
    path.nodes.add(hit.id);
    for (const step of hit.path) {
      path.nodes.add(step.source).add(step.target);
      path.edges.add(`${step.source} ${step.type} ${step.target}`);
    }
  });
  show();
  if (hits.length) see([...path.nodes]);
}

export function plan(ids) {
  planned = new Set(ids);
  show();
  if (ids.length) see(ids);
}

/** Bring these nodes into view. */
export function see(ids, least = many ? 0.01 : 0.35) {
  const found = cy.collection();
  for (const id of ids) found.merge(cy.getElementById(id));
  if (found.empty()) return;
  const box = found.boundingBox({ includeLabels: false });
  const room = 90;
  const zoom = Math.min((cy.width() - 2 * room) / Math.max(box.w, 1), (cy.height() - 2 * room - 40) / Math.max(box.h, 1), 1.3);
  const level = Math.max(zoom, least);
  cy.stop();
  const to = { zoom: level, pan: { x: cy.width() / 2 - level * (box.x1 + box.w / 2), y: cy.height() / 2 - 20 - level * (box.y1 + box.h / 2) } };
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || many) cy.viewport(to);
  else cy.animate({ ...to, duration: 250 });
}

show.all = () => {
  if (cy === null) return;
  if (!shownNow.length) return;
  const [xs, ys] = [shownNow.map((node) => node.x), shownNow.map((node) => node.y)];
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  const [x1, y1] = [least(xs) - 40, least(ys) - 20];
  const [w, h] = [most(xs) + (state.arranged === "tree" ? 220 : 40) - x1, most(ys) + 40 - y1];
  const [room, below] = [30, by("legend").offsetHeight + 24]; // the legend lies over the lower edge
  const [width, height] = [cy.width() - 2 * room, cy.height() - room - below];
  const zoom = Math.min(1.4, width / Math.max(w, 1), height / Math.max(h, 1));
  cy.viewport({ zoom, pan: { x: room + width / 2 - zoom * (x1 + w / 2), y: room + height / 2 - zoom * (y1 + h / 2) } });
};
show.zoom = (factor) => cy?.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
show.move = (x, y) => cy?.panBy({ x, y });
show.chosen = (centre) => {
  if (cy === null) return;
  show();
  if (centre && state.chosen !== null && !onScreen(state.chosen)) see([state.chosen], Math.max(cy.zoom(), 0.6));
};

function onScreen(id) {
  const node = cy.getElementById(id);
  if (node.empty()) return true;
  const { x, y } = node.renderedPosition();
  return cy.zoom() > 0.3 && x > 60 && y > 60 && x < cy.width() - 60 && y < cy.height() - 60;
}

/** What stands drawn, for whoever looks from outside the page. */
export const lookedAt = () => ({
  ...drawn, many, zoom: cy?.zoom() ?? 0, nodeIds: () => cy.nodes().map((n) => n.id()),
  hits: cy?.nodes(".hit").map((n) => n.id()) ?? [], way: cy?.edges(".way").map((e) => e.id().slice(2)) ?? [],
  place: (id) => cy.getElementById(id).renderedPosition(), hasPicture: () => cy?.elements().length ?? 0,
});

/** Arrange the graph as a web or as a tree. */
export function arrange(name) {
  state.arranged = name;
  for (const button of by("arrange").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.name === name));
  if (state.graph === null) return;
  show();
  show.all();
}

export function setUpGraph() {
  for (const button of by("arrange").querySelectorAll("button")) button.addEventListener("click", () => arrange(button.dataset.name));
  const box = by("graph");
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) show.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") show.zoom(1.25);
    else if (event.key === "-") show.zoom(0.8);
    else if (event.key === "0") show.all();
    else return;
    event.preventDefault();
  });
  by("closer").addEventListener("click", () => show.zoom(1.3));
  by("farther").addEventListener("click", () => show.zoom(1 / 1.3));
  by("fit").addEventListener("click", () => show.all());
  dark.addEventListener("change", () => { if (cy) { cy.style(styles()); styledFor = kinds(); laidFor = [null]; show(); } });
  new ResizeObserver(() => cy?.resize()).observe(box);
}
