// The two times: what held then (as_of) and what was known then (known_at), each a slider, a field and a way to now.

import { by, el, say, svg, written } from "./dom.js";
import { on, state, tell } from "./state.js";

const STEPS = 1000; // the last one is now
const WAIT = 140;
const sliders = {};

/** Return the time that is written as 2025-06-01 (its end), 2025-06-01 14:30 or 2025-06-01 14:30:05, null for all else. */
function dated(text) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!parts) return null;
  const [year, month, day] = parts.slice(1, 4).map(Number);
  const [hour, minute, second] = parts[4] ? [Number(parts[4]), Number(parts[5]), Number(parts[6] ?? 0)] : [23, 59, 59];
  const time = new Date(year, month - 1, day, hour, minute, second, parts[4] ? 0 : 999);
  time.setFullYear(year, month - 1, day);
  const same = time.getMonth() === month - 1 && time.getDate() === day && time.getHours() === hour;
  return same && minute < 60 && second < 60 ? time : null;
}

class Slider {
  constructor(name, title, told) {
    this.name = name;
    this.first = 0;
    this.last = 1;
    this.bars = svg("svg", { viewBox: "0 0 120 22", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.range = el("input", { type: "range", min: 0, max: STEPS, value: STEPS, "aria-label": `${title}: ${told}`, id: `${name}-slider` });
    this.text = el("input", { class: "text", type: "text", id: `${name}-text`, autocomplete: "off", spellcheck: false, "aria-label": `${title}, as a date` });
    this.now = el("button", { type: "button", id: `${name}-now`, "aria-label": `${title}: now` }, "Now");
    this.row = el("div", { class: "time" }, el("label", { class: "name", htmlFor: `${name}-slider` }, title, el("small", {}, told)),
      el("div", { class: "track" }, this.bars, this.range), this.text, this.now);
    this.range.addEventListener("input", () => this.slid());
    this.text.addEventListener("keydown", (event) => { if (event.key === "Enter") this.wrote(); });
    this.text.addEventListener("change", () => this.wrote());
    this.now.addEventListener("click", () => this.go(null));
    this.shown();
  }

  /** Say from when to when the slider goes, and how much changed when. */
  reach(first, last, bars) {
    this.first = first;
    this.last = Math.max(last, first + 1);
    const most = Math.max(1, ...bars);
    this.bars.replaceChildren(...bars.map((count, i) => {
      const height = count ? 3 + 19 * Math.sqrt(count / most) : 0;
      return svg("rect", { x: (i * 120) / bars.length + 0.1, y: 22 - height, width: 120 / bars.length - 0.25, height });
    }));
    this.placed(); // and leaves the field alone, in which somebody may be writing
  }

  slid() {
    const step = Number(this.range.value);
    const at = this.first + ((this.last - this.first) * step) / (STEPS - 1);
    this.go(step >= STEPS ? null : new Date(Math.floor(at)).toISOString(), WAIT);
  }

  wrote() {
    const text = this.text.value.trim();
    if (text === this.shownText) return;
    if (text === "" || text.toLowerCase() === "now") { this.go(null); return; }
    const time = dated(text);
    if (time === null) {
      this.text.setAttribute("aria-invalid", "true");
      say(`${text} is no date that can be read; write 2025-06-01 or 2025-06-01 14:30`, true);
      return;
    }
    this.go(time.toISOString());
  }

  go(at, wait = 0) {
    // What is known now is all that is known: a later moment of knowing is now.
    const latest = state.about?.known?.last ?? Infinity;
    if (this.name === "known_at" && at !== null && new Date(at).getTime() >= latest) at = null;
    state.moment[this.name] = at;
    this.shown();
    clearTimeout(waiting);
    waiting = setTimeout(() => tell("moment"), wait);
  }

  shown() {
    const at = state.moment[this.name];
    const time = at === null ? null : new Date(at).getTime();
    this.row.classList.toggle("past", at !== null);
    this.text.removeAttribute("aria-invalid");
    this.shownText = this.text.value = time === null ? "now" : written(time);
    this.now.disabled = time === null;
    this.range.setAttribute("aria-valuetext", this.shownText);
    this.placed();
  }

  /** Put the slider where its moment lies. */
  placed() {
    const at = state.moment[this.name];
    const time = at === null ? null : new Date(at).getTime();
    const step = time === null ? STEPS : Math.round(((time - this.first) / (this.last - this.first)) * (STEPS - 1));
    if (document.activeElement !== this.range || time === null) this.range.value = String(Math.min(STEPS, Math.max(0, step)));
  }
}
let waiting = 0;

export function setUpTimes() {
  sliders.as_of = new Slider("as_of", "True on", "what held then");
  sliders.known_at = new Slider("known_at", "Known on", "what was known");
  by("times").replaceChildren(sliders.as_of.row, sliders.known_at.row);
  on("moment-lost", () => { for (const slider of Object.values(sliders)) slider.shown(); });
  on("about", () => {
    const known = state.about.known;
    if (known) sliders.known_at.reach(known.first, known.last, known.bars);
  });
  let reached = false;
  on("graph", () => {
    if (reached && (state.moment.as_of !== null || state.moment.known_at !== null)) return;
    const now = Date.now();
    const times = state.graph.nodes.flatMap((node) => [node.valid_from, node.valid_to]).filter(Boolean).map((time) => new Date(time).getTime()).sort((a, b) => a - b);
    if (!times.length) return;
    // The slider ends at now: what is to hold until 2099 would leave no room for the years that were lived.
    const first = Math.min(times[0], now - 1);
    const last = now;
    const bars = new Array(120).fill(0);
    for (const time of times) if (time <= last) bars[Math.min(119, Math.floor(((time - first) / Math.max(1, last - first)) * 120))] += 1;
    sliders.as_of.reach(first, last, bars);
    reached = true;
  });
}
