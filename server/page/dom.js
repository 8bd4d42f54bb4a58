// Making elements, and the words for numbers and times.

export const $ = (id) => document.getElementById(id);

/** h("button.quiet", {type: "button", onclick}, "text", element): an element. */
export function h(name, props, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets an element's text, if it is another: what did not change is not laid out again. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const drawnOf = new WeakMap();

/** Gives an element new children, drawn by `draw()`, if `state` is another than before: what stays keeps focus and clicks. */
export function redraw(element, state, draw) {
  const drawn = JSON.stringify(state);
  if (drawnOf.get(element) === drawn) return;
  drawnOf.set(element, drawn);
  element.replaceChildren(...draw());
}

export function button(name, props, ...children) {
  return h(`button.${name}`, { type: "button", ...props }, ...children);
}

const SPRITE = new URL("icons.svg", import.meta.url).pathname;
const icons = new Map();

export function icon(name) {
  if (!icons.has(name)) icons.set(name, drawn(name));
  return icons.get(name).cloneNode(true);
}

function drawn(name) {
  const svg = svgOf("svg", { "aria-hidden": "true", class: `icon-${name}` });
  svg.append(svgOf("use", { href: `${SPRITE}#${name}` }));
  return svg;
}

export function svgOf(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Micro-USD as dollars: two digits, more below ten cents. */
export function money(micro) {
  if (micro === null || micro === undefined) return "cost unknown";
  const dollars = micro / 1e6;
  return `$${dollars.toFixed(dollars && dollars < 0.1 ? 4 : 2)}`;
}

/** Seconds as 0.4 s, 12 s, 1 min 31 s, 2 h 5 min. */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Milliseconds that something has been running: 12 s. */
export function seconds(milliseconds) {
  return duration(Math.floor(milliseconds / 1000)).replace(".0", "");
}

/** Text with its addresses as links. */
export function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/).map((part, at) =>
    at % 2 ? h("a", { href: part, rel: "noopener noreferrer nofollow", target: "_blank" }, part) : part);
}

/** The heading under which a time of the past stands in the list. */
export function dayOf(epochSeconds) {
  const then = new Date(epochSeconds * 1000);
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.ceil((midnight - then) / 86_400_000);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days <= 7) return "Last 7 days";
  if (days <= 30) return "Last 30 days";
  return then.toLocaleDateString("en", { month: "long", year: "numeric" });
}

export async function copy(text, from) {
  try {
    await navigator.clipboard.writeText(text);
    const before = [...from.childNodes];
    from.replaceChildren(from.textContent ? "Copied" : icon("check"));
    from.classList.add("copied");
    speak("Copied");
    setTimeout(() => {
      from.replaceChildren(...before);
      from.classList.remove("copied");
    }, 1500);
  } catch {
    toast("The browser does not allow copying here.", "Select the text and press Ctrl+C.");
  }
}

/** A short message at the bottom; `act`: {label, run}, a button in it. */
export function toast(text, hint = "", act = null) {
  const box = h("div.toast", {}, h("span", {}, ...linked(text), hint ? h("small", {}, ...linked(hint)) : null));
  const gone = () => box.remove();
  if (act) box.append(button("link", { onclick: () => (gone(), act.run()) }, act.label));
  box.append(button("quiet", { "aria-label": "Close", onclick: gone }, icon("cross")));
  $("toasts").replaceChildren(...[...$("toasts").children].slice(-2), box);
  setTimeout(gone, act ? 15_000 : 8_000);
}

/** Says it to screen readers only. */
export function speak(text) {
  $("spoken").textContent = text;
}

export function isEditable(element) {
  return element?.matches?.("input, textarea, select, [contenteditable]") ?? false;
}
