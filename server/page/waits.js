// What a session waits for, and since when; its goal: a card below the conversation.

import { h, icon, linked, put, redraw, seconds } from "./dom.js";

const TIME = { hour: "2-digit", minute: "2-digit" };
const DAY = { weekday: "short", ...TIME };

export class Waits {
  constructor(root) {
    this.root = root;
  }

  /** wait: `status.waiting`, or null; goal: `status.goal`, or null. */
  show(wait, goal = null) {
    this.root.hidden = !wait && !goal;
    redraw(this.root, [wait, goal], () => [...(goal ? [goalCard(goal)] : []), ...(wait ? [this.waitCard(wait)] : [])]);
    if (wait) put(this.time, `${clock(wait.since)}, ${seconds(Date.now() - wait.since * 1000)} ago`);
  }

  waitCard({ reasons, until, note }) {
    this.time = h("b", {});
    const facts = [h("span", {}, "Since ", this.time), until ? h("span", {}, `At most until ${clock(until)}`) : null, h("span", {}, "A message wakes it")];
    const words = h("div", {}, ...reasonsOf(reasons), note ? h("p.faint", {}, "Then: ", ...linked(note)) : null, h("p.facts", {}, ...facts.filter(Boolean)));
    return h("div.ending.wait", {}, icon("clock"), words);
  }
}

function reasonsOf(reasons) {
  if (reasons.length === 1) return [h("p", {}, "Waits for ", ...linked(reasons[0]))];
  return [h("p", {}, "Waits for the first of these:"), h("ul", {}, ...reasons.map((each) => h("li", {}, ...linked(each))))];
}

function goalCard({ text, until, state, reason, turns }) {
  const facts = [h("span", {}, `${turns} turn${turns === 1 ? "" : "s"}`), h("span", {}, "Until ", h("code", {}, until))];
  const words = h("div", {}, h("p", {}, h("b", {}, `Goal ${state}`), ": ", ...linked(text)), reason ? h("p.faint", {}, ...linked(reason)) : null, h("p.facts", {}, ...facts));
  return h("div.ending.goal", {}, icon("check"), words);
}

/** Epoch seconds as this browser's clock shows them; with the day, if it is another. */
function clock(at) {
  const then = new Date(at * 1000);
  return then.toLocaleString("en-GB", then.toDateString() === new Date().toDateString() ? TIME : DAY);
}
