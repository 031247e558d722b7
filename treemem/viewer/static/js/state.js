// What the page looks at: one graph, one moment, one node, one search. Parts listen to what concerns them.

const listeners = new Map();

export const state = {
  about: null, // what the server said of the cube
  graph: null, // { nodes: [...], edges: [...], byId: Map } at the moment
  moment: { as_of: null, known_at: null }, // null is now
  chosen: null, // the id of a node
  found: null, // what the last search found
  arranged: "web", // or "tree"
};

export function on(event, listener) {
  if (!listeners.has(event)) listeners.set(event, []);
  listeners.get(event).push(listener);
}

export function tell(event, value = undefined) {
  for (const listener of listeners.get(event) ?? []) listener(value);
}

export function choose(id, { centre = false } = {}) {
  state.chosen = id;
  tell("chosen", { id, centre });
}

/** Return the columns that the server sends as objects, by their ids. */
export function unpacked(columns) {
  const { nodes: c, edges: e, types } = columns;
  const nodes = c.id.map((id, i) => ({
    id, kind: c.kind[i], label: c.label[i], text: c.text[i] ?? c.label[i], x: c.x[i], y: c.y[i], placed: [c.x[i], c.y[i]], memory_type: c.memory_type[i],
    type: c.type[i], status: c.status[i], valid_from: c.valid_from[i], valid_to: c.valid_to[i], edges: [],
  }));
  const edges = e.source.map((source, i) => {
    const [from, to, type] = [c.id[source], c.id[e.target[i]], types[e.type[i]]];
    const edge = { id: `${from} ${type} ${to}`, source: from, target: to, type, weight: e.weight[i] };
    return edge;
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const edge of edges) {
    byId.get(edge.source).edges.push(edge);
    if (edge.target !== edge.source) byId.get(edge.target).edges.push(edge);
  }
  return { nodes, edges, byId };
}
