// Two arrangements: the web, in which the server placed what belongs together side by side, and the tree, in which
// parents stand left of their children and causes left of their effects.

const ACROSS = 270; // from a level to the next
const DOWN = 40; // from a row to the next
const STRUCTURE = ["PARENT", "CAUSES", "SUPERSEDES", "MERGED_INTO", "CONTRADICTS"];
const STEPS_RIGHT = 6; // how many columns causes may move their effects to the right at most
const WIDTHS = { memory: ACROSS, entity: 150, source: 40 };

/** Return a forest out of the edges that have an order: each node below at most one other, no circles. */
function forest(graph) {
  const above = new Map();
  const below = new Map();
  const tops = new Map();
  const top = (id) => {
    let at = id;
    while (tops.has(at)) at = tops.get(at);
    for (let each = id; each !== at;) { const next = tops.get(each); tops.set(each, at); each = next; }
    return at;
  };
  for (const type of STRUCTURE) {
    for (const edge of graph.edges) {
      if (edge.type !== type || above.has(edge.target) || top(edge.source) === edge.target) continue;
      above.set(edge.target, edge.source);
      tops.set(edge.target, top(edge.source));
      if (!below.has(edge.source)) below.set(edge.source, []);
      below.get(edge.source).push(edge.target);
    }
  }
  return { above, below };
}

/** Return by how many columns a node stands right of its brothers: an effect stands right of its cause. */
function effects(graph, above) {
  const causes = graph.edges.filter((edge) => edge.type === "CAUSES" && edge.source !== edge.target && above.has(edge.target)
    && above.get(edge.target) === above.get(edge.source));
  const shifts = new Map();
  for (let round = 0; round < STEPS_RIGHT; round += 1) { // bounded, since causes may go in a circle
    let moved = false;
    for (const { source, target } of causes) {
      const wish = Math.min(STEPS_RIGHT, (shifts.get(source) ?? 0) + 1);
      if ((shifts.get(target) ?? 0) < wish) { shifts.set(target, wish); moved = true; }
    }
    if (!moved) break;
  }
  return shifts;
}

/** Return a tree as a block: its width, its height and a place for each node. Not recursive: a chain may be long. */
function block(root, below, shifts) {
  const places = new Map();
  const waiting = [[root, 0]];
  const order = [];
  let rows = 0;
  let deepest = 0;
  while (waiting.length) {
    const [id, from] = waiting.pop();
    const depth = from + (shifts.get(id) ?? 0);
    order.push(id);
    deepest = Math.max(deepest, depth);
    const children = below.get(id) ?? [];
    places.set(id, { x: depth * ACROSS, y: rows * DOWN });
    if (children.length) for (const child of [...children].reverse()) waiting.push([child, depth + 1]);
    else rows += 1;
  }
  for (const id of order.reverse()) {
    const children = below.get(id) ?? [];
    if (children.length) places.get(id).y = (places.get(children[0]).y + places.get(children.at(-1)).y) / 2;
  }
  return { width: (deepest + 1) * ACROSS, height: (rows + 0.6) * DOWN, places };
}

/** Give each node its place in the tree: columns of trees, the largest first, then what stands alone, then names. */
export function tree(graph) {
  const { above, below } = forest(graph);
  const shifts = effects(graph, above);
  const blocks = [];
  const alone = [];
  for (const node of graph.nodes) {
    node.over = below.has(node.id); // its name stands below it, since lines go to the right
    if (above.has(node.id)) continue;
    if (below.has(node.id)) blocks.push(block(node.id, below, shifts));
    else alone.push(node);
  }
  blocks.sort((a, b) => b.places.size - a.places.size);
  const rank = { memory: 0, entity: 1, source: 2 };
  alone.sort((a, b) => rank[a.kind] - rank[b.kind] || (a.valid_from ?? "").localeCompare(b.valid_from ?? "") || a.label.localeCompare(b.label));
  for (const node of alone) blocks.push({ width: WIDTHS[node.kind], height: DOWN, kind: node.kind, places: new Map([[node.id, { x: 0, y: 0 }]]) });
  const area = blocks.reduce((sum, each) => sum + each.width * each.height, 0);
  const most = Math.max(Math.sqrt(area / 1.15), ...blocks.map((each) => each.height));
  let [x, y, wide, kind] = [0, 0, 0, blocks[0]?.kind];
  for (const each of blocks) {
    if (y > 0 && (y + each.height > most || each.kind !== kind)) [x, y, wide] = [x + wide + (each.kind === kind ? 0 : 40), 0, 0];
    kind = each.kind;
    for (const [id, place] of each.places) Object.assign(graph.byId.get(id), { x: x + place.x, y: y + place.y });
    y += each.height;
    wide = Math.max(wide, each.width);
  }
}

/** Give each node the place that the server gave it. */
export function web(graph) {
  for (const node of graph.nodes) [node.x, node.y] = node.placed;
}
