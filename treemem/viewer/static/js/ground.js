// The many: all nodes and edges of a large graph as one picture below the drawing. While one moves, the picture moves;
// once one stands still it is painted anew. So a frame costs the same for a hundred nodes and for a hundred thousand.

import { edgeColour, edgeWidth, family, nodeColour, palette } from "./palette.js";

const MARGIN = 0.4; // how much more than the view is painted on each side
const STILL = 90; // milliseconds without a move until it is painted anew
const CELL = 120; // the grid in which a node is looked up
const LABELLED = 140; // up to how many nodes in view have names
const SLICE = 8; // milliseconds of a frame that painting may take
const AT_ONCE = 200; // lines of one path: long paths are slow where there is no graphics card

export class Ground {
  constructor(host) {
    this.host = host;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "ground";
    this.canvas.setAttribute("aria-hidden", "true");
    host.before(this.canvas);
    this.picture = document.createElement("canvas");
    this.painted = null;
    this.nodes = [];
    this.waiting = 0;
    this.next = 0;
    this.sprites = new Map();
  }

  remove() {
    clearTimeout(this.waiting);
    cancelAnimationFrame(this.next);
    this.canvas.remove();
  }

  /** Take what is to be drawn: nodes with a size, edges by their type, the important ones last. */
  fill(nodes, edges, size) {
    this.nodes = nodes;
    this.sizes = new Map(nodes.map((node) => [node.id, size(node)]));
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const groups = new Map();
    for (const edge of edges) {
      if (!groups.has(edge.type)) groups.set(edge.type, []);
      groups.get(edge.type).push([byId.get(edge.source), byId.get(edge.target)]);
    }
    this.groups = [...groups].sort((a, b) => edgeWidth(a[0]) - edgeWidth(b[0]));
    this.grid = new Map();
    for (const node of nodes) {
      const key = `${Math.floor(node.x / CELL)},${Math.floor(node.y / CELL)}`;
      if (!this.grid.has(key)) this.grid.set(key, []);
      this.grid.get(key).push(node);
    }
    this.painted = null;
  }

  /** Return the node at a place of the graph, null if there is none within reach. */
  at(x, y, zoom) {
    const reach = Math.max(20, 8 / zoom);
    let [best, found] = [Infinity, null];
    const [left, top] = [Math.floor((x - reach) / CELL), Math.floor((y - reach) / CELL)];
    const [right, bottom] = [Math.floor((x + reach) / CELL), Math.floor((y + reach) / CELL)];
    for (let i = left; i <= right; i += 1) for (let j = top; j <= bottom; j += 1) {
      for (const node of this.grid?.get(`${i},${j}`) ?? []) {
        const far = (node.x - x) ** 2 + (node.y - y) ** 2;
        if (far < best && far < reach ** 2) [best, found] = [far, node];
      }
    }
    return found;
  }

  faint(wanted) { this.canvas.classList.toggle("faint", wanted); }

  /** Show the picture as it is from this zoom and place, at once; paint it anew when nothing moved for a while. */
  look(zoom, pan) {
    this.zoom = zoom;
    this.pan = { ...pan };
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [Math.max(1, Math.round(this.host.clientWidth * ratio)), Math.max(1, Math.round(this.host.clientHeight * ratio))];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.painted = null;
    }
    this.ratio = ratio;
    if (this.painted === null) { this.paint(); return; }
    this.blit();
    cancelAnimationFrame(this.next);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.paint(), STILL);
  }

  blit() {
    const context = this.canvas.getContext("2d");
    const { zoom, pan, left, top } = this.painted;
    const k = this.zoom / zoom;
    context.imageSmoothingEnabled = true;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const x = (this.pan.x - (pan.x + left) * k) * this.ratio;
    const y = (this.pan.y - (pan.y + top) * k) * this.ratio;
    context.drawImage(this.picture, x, y, this.picture.width * k, this.picture.height * k);
  }

  /** Paint the picture for the view as it is now, a little each frame, and show it once it is whole. */
  paint() {
    clearTimeout(this.waiting);
    cancelAnimationFrame(this.next);
    const picture = document.createElement("canvas");
    const work = this.strokes(picture);
    const go = (until) => {
      let step;
      do step = work.next(); while (!step.done && performance.now() < until);
      if (!step.done) {
        this.next = requestAnimationFrame(() => go(performance.now() + SLICE));
        return;
      }
      this.picture = picture;
      this.painted = step.value;
      this.blit();
    };
    go(this.painted === null ? Infinity : performance.now() + SLICE);
  }

  * strokes(picture) {
    const [width, height] = [this.host.clientWidth, this.host.clientHeight];
    const [left, top] = [width * MARGIN, height * MARGIN];
    const { ratio, zoom, pan } = this;
    picture.width = Math.round((width + 2 * left) * ratio);
    picture.height = Math.round((height + 2 * top) * ratio);
    const context = picture.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const px = (x) => x * zoom + pan.x + left;
    const py = (y) => y * zoom + pan.y + top;
    const [w, h] = [width + 2 * left, height + 2 * top];
    for (const [type, edges] of this.groups ?? []) {
      let lines = 0;
      const colour = edgeColour(type);
      const wide = Math.max(0.6, edgeWidth(type) * Math.min(1, Math.max(0.35, zoom)));
      const alpha = edgeWidth(type) > 1.5 ? 0.9 : Math.min(0.7, 0.25 + zoom * 0.5);
      const begin = () => { Object.assign(context, { strokeStyle: colour, lineWidth: wide, globalAlpha: alpha }); context.beginPath(); };
      begin();
      for (const [a, b] of edges) {
        const [x1, y1, x2, y2] = [px(a.x), py(a.y), px(b.x), py(b.y)];
        if ((x1 < 0 && x2 < 0) || (y1 < 0 && y2 < 0) || (x1 > w && x2 > w) || (y1 > h && y2 > h)) continue;
        context.moveTo(x1, y1);
        context.lineTo(x2, y2);
        lines += 1;
        if (lines % AT_ONCE === 0) { context.stroke(); yield null; begin(); }
      }
      context.stroke();
      yield null;
    }
    context.globalAlpha = 1;
    const named = [];
    let dots = 0;
    for (const node of this.nodes) {
      const [x, y] = [px(node.x), py(node.y)];
      if (x < -20 || y < -20 || x > w + 20 || y > h + 20) continue;
      const radius = Math.max(1.2, Math.min(18, this.sizes.get(node.id) * 0.38 * Math.max(zoom, 0.16)));
      const sprite = this.sprite(family(node), Math.round(radius * 2) / 2);
      context.drawImage(sprite, x - sprite.width / 2 / ratio, y - sprite.height / 2 / ratio, sprite.width / ratio, sprite.height / ratio);
      if (x > left && y > top && x < w - left && y < h - top) named.push([node, x, y + radius]);
      dots += 1;
      if (dots % AT_ONCE === 0) yield null;
    }
    if (named.length <= LABELLED) this.names(context, named);
    return { zoom, pan: { ...pan }, left, top };
  }

  names(context, named) {
    const p = palette();
    context.font = "10.5px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "top";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = p.halo;
    context.fillStyle = p.text;
    for (const [node, x, y] of named) {
      const text = node.label.length > 26 ? `${node.label.slice(0, 25)}…` : node.label;
      context.strokeText(text, x, y + 3);
      context.fillText(text, x, y + 3);
    }
  }

  sprite(name, radius) {
    const key = `${name} ${radius} ${nodeColour(name)} ${this.ratio}`;
    if (!this.sprites.has(key)) {
      const made = document.createElement("canvas");
      made.width = made.height = Math.ceil((2 * radius + 2) * this.ratio);
      const context = made.getContext("2d");
      const middle = made.width / 2;
      const r = radius * this.ratio;
      context.fillStyle = nodeColour(name);
      context.beginPath();
      if (name === "entity") { context.moveTo(middle, middle - r); context.lineTo(middle + r, middle); context.lineTo(middle, middle + r); context.lineTo(middle - r, middle); }
      else if (name === "source" || name === "topic") context.rect(middle - r, middle - r * 0.8, 2 * r, 1.6 * r);
      else context.arc(middle, middle, r, 0, 2 * Math.PI);
      context.fill();
      this.sprites.set(key, made);
    }
    return this.sprites.get(key);
  }
}
