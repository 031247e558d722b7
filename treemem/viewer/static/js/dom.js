// Small helpers to build the page. What a memory says only ever becomes text.

/** Return an element with properties; `children` are elements or texts. */
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && !key.startsWith("aria")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function svg(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export const by = (id) => document.getElementById(id);

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const MINUTE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

export const day = (time) => (time ? DAY.format(new Date(time)) : "open");
export const minute = (time) => (time ? MINUTE.format(new Date(time)) : "open");

/** Return a time as a person writes it in a field, in the zone of the page. */
export function written(milliseconds) {
  const t = new Date(milliseconds);
  const two = (n) => String(n).padStart(2, "0");
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}`;
}

export function short(text, most = 60) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

let hiding = 0;
/** Say something for some seconds; `wrong` for an error. */
export function say(text, wrong = false, button = null) {
  const toast = by("toast");
  toast.replaceChildren(text, ...(button ? [" ", button] : []));
  toast.className = wrong ? "wrong" : "";
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, wrong || button ? 9000 : 4000);
}
