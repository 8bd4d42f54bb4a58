// How a turn ended: what it came to, or why it stopped and what can be done.

import { button, duration, h, icon, linked, money, plural } from "./dom.js";

/** Fields of an `end` item. actions: {resume(), raiseCap(), signIn}. */
export function endingOf({ status, message, hint, error }, actions) {
  if (status === "interrupted") return ending("stop", "Stopped.", "Send a message to continue.", []);
  const isCap = /\bcap\b|budget|max_usd/i.test(`${message} ${hint}`);
  const isOut = error === "not_authenticated";
  const acts = [button(isOut ? "outline" : "fill", { onclick: () => actions.resume() }, icon("play"), status === "limit" ? "Continue" : "Try again")];
  // Shown in a Space only: that it is one is known later than this.
  if (isOut) acts.unshift(h("a.fill.sign-in", { href: actions.signIn }, "Sign in again"));
  if (isCap) acts.unshift(button("outline", { onclick: () => actions.raiseCap() }, "Raise the cap"));
  const words = message || (status === "limit" ? "Stopped at a limit." : "The turn failed.");
  return ending(status === "limit" ? "warn" : "cross", words, hint, acts, status);
}

export function cutOff(actions) {
  const acts = [button("fill", { onclick: () => actions.resume() }, icon("play"), "Continue")];
  return ending("warn", "This turn was cut off.", "Finished calls keep their results; nothing runs twice.", acts, "cut");
}

/** What a turn came to, in a line. */
export function totalOf({ iterations, cost_micro_usd: cost, seconds: time, left_micro_usd: left }) {
  const isCapped = left !== null && left !== undefined;
  const parts = [plural(iterations, "step"), cost === null ? null : money(cost), isCapped ? `${money(left)} left` : null, duration(time)];
  return parts.filter(Boolean).join(" · ");
}

function ending(name, message, hint, acts, status = "stopped") {
  const words = h("div", {}, h("p", {}, ...linked(message)), hint ? h("p.faint", {}, ...linked(hint)) : null);
  return h(`div.ending.${status}.item`, { role: status === "error" ? "alert" : null }, icon(name), words, h("div.buttons", {}, ...acts));
}
