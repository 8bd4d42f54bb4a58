// Calls in a row: one box, of which the older lines are hidden until they are asked for.

import { button, h, plural } from "./dom.js";

//: Calls in a row of which the older ones are hidden.
const CALLS = 12;

export function newGroup() {
  return h("div.calls.item", {});
}

/** Hides the older lines of a box that has changed. */
export function fold(group) {
  const rows = rowsOf(group);
  const hidden = group.classList.contains("whole") ? 0 : Math.max(0, rows.length - CALLS);
  rows.forEach((row, at) => (row.hidden = at < hidden));
  let show = group.querySelector(":scope > .earlier");
  if (!hidden) return show?.remove();
  show ??= button("earlier", { onclick: () => (group.classList.add("whole"), fold(group)) });
  show.textContent = `Show ${plural(hidden, "earlier call")}`;
  group.prepend(show);
}

/** Moves the lines of `older`, a box right before `group`, into that. */
export function merge(older, group) {
  group.prepend(...rowsOf(older));
  older.remove();
  fold(group);
}

function rowsOf(group) {
  return [...group.children].filter((each) => each.classList.contains("call"));
}
