// The conversation: items of a reset, then frames in order; the same frames always give the same.

import { Call } from "./calls.js";
import { button, copy, h, icon, seconds } from "./dom.js";
import { cutOff, endingOf, totalOf } from "./endings.js";
import { fold, merge, newGroup } from "./groups.js";

//: Items from which on those outside of the window are not drawn.
const LONG = 60;

function tool(act, name, label) {
  return button("quiet", { "data-act": act, "aria-label": label, title: label }, icon(name));
}

const OF_MESSAGE = h("div.actions", {}, tool("copy", "copy", "Copy"));
const OF_FIRST = h("div.actions", {}, tool("copy", "copy", "Copy"), tool("undo", "pencil", "Undo to here and edit"));
const OF_ANSWER = h("div.actions", {}, tool("copy", "copy", "Copy"), tool("fork", "fork", "Fork from here"));

function isCalls(element) {
  return Boolean(element?.classList.contains("calls"));
}

/** An answer that calls follow is their introduction: nothing is offered for it. */
function lead(answer) {
  if (answer?.classList.contains("answer")) answer.classList.add("led");
}

export class Transcript {
  /** actions: {undo(turn, text), fork(turn), resume(), raiseCap()}. */
  constructor(root, actions) {
    Object.assign(this, { root, actions, said: new WeakMap() });
    root.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")));
    this.clear("");
  }

  clear(thread) {
    Object.assign(this, { thread, calls: new Map(), places: new Map(), changed: new Set(), oldest: "" });
    Object.assign(this, { answer: null, thinking: null, group: null, turn: 0 });
    this.root.replaceChildren();
    this.root.classList.remove("long");
  }

  /** Shows a part of the items, the newest. Items before its first one on the page stay. */
  reset(thread, { items, before = "", turn = 0 }) {
    const opened = [...this.calls].filter(([, call]) => call.details.open).map(([id]) => id);
    if (thread !== this.thread || !this.cut(before)) {
      this.clear(thread);
      this.oldest = before;
    }
    const last = this.root.lastElementChild;
    const group = isCalls(last) ? last : null;
    Object.assign(this, { answer: null, thinking: null });
    const newer = this.made(items, { turn, group });
    if (isCalls(newer.firstElementChild)) lead(last);
    this.root.append(newer);
    this.root.classList.toggle("long", Boolean(this.oldest) || this.root.childElementCount > LONG);
    for (const id of opened) this.calls.get(id)?.open();
  }

  /** Removes the item with this key and all after it; false if that leaves nothing that holds. */
  cut(key) {
    const from = this.places.get(key);
    if (!from) return false;
    const range = document.createRange();
    range.setStartBefore(from);
    range.setEndAfter(this.root.lastChild);
    range.deleteContents();
    const last = this.root.lastElementChild;
    if (isCalls(last) && !last.querySelector(".call")) last.remove();
    this.root.lastElementChild?.classList.remove("led");
    for (const [id, { element }] of this.calls) if (!element.isConnected) this.calls.delete(id);
    for (const [each, element] of this.places) if (!element.isConnected) this.places.delete(each);
    return [...this.calls.values()].every((call) => call.isOver);
  }

  /** Shows older items before the others. */
  prepend({ items, before, turn }) {
    const { root, answer, thinking, group, turn: now } = this;
    Object.assign(this, { answer: null, thinking: null });
    const older = this.made(items, { turn, group: null });
    Object.assign(this, { answer, thinking, group, turn: now, oldest: before });
    const [last, first] = [older.lastElementChild, root.firstElementChild];
    if (isCalls(last) && isCalls(first)) merge(last, first);
    else if (isCalls(first)) lead(last);
    root.prepend(older);
    root.classList.add("long");
  }

  /** Items as elements. turn, group: what they continue. */
  made(items, { turn, group }) {
    const { root } = this;
    Object.assign(this, { root: document.createDocumentFragment(), turn, group });
    for (const item of items) {
      this.newest = null;
      ITEMS[item.kind]?.(this, item);
      if (item.key && this.newest) this.places.set(item.key, this.newest);
    }
    this.fold();
    const elements = this.root;
    this.root = root;
    return elements;
  }

  fold() {
    for (const group of this.changed) fold(group);
    this.changed.clear();
  }

  /** True if the frame was one of the conversation's. */
  apply(name, data) {
    const handler = FRAMES[name];
    handler?.(this, data);
    this.fold();
    return Boolean(handler);
  }

  add(element) {
    this.group = null;
    this.newest = element;
    this.root.append(element);
    return element;
  }

  // Items.

  user({ text, turn }) {
    this.end_thinking();
    const isFirst = turn && turn !== this.turn;
    this.turn = turn || this.turn;
    const actions = (isFirst ? OF_FIRST : OF_MESSAGE).cloneNode(true);
    const item = h("article.user.item", { "aria-label": "You" }, h("div.bubble", {}, text), actions);
    this.said.set(item, { text, turn });
    this.add(item);
  }

  act(button) {
    const { text, turn } = (button && this.said.get(button.closest(".item"))) ?? {};
    const acts = { copy: () => copy(text, button), undo: () => this.actions.undo(turn, text), fork: () => this.actions.fork(turn) };
    acts[button?.dataset.act]?.();
  }

  open_answer(number) {
    this.end_thinking();
    const body = h("div.prose", {});
    const element = this.add(h("article.answer.item", {}, h("h2.hidden-text", {}, "ML Agent"), body));
    this.answer = { number, element, body, html: [] };
  }

  blocks(number, changes) {
    if (this.answer?.number !== number) this.open_answer(number);
    for (const [at, html] of changes) this.block(at, html);
  }

  block(at, html) {
    const { body, html: known } = this.answer;
    while (body.children.length <= at) body.append(h("div.block", {}));
    if (known[at] === html) return;
    known[at] = html;
    // Made by server/markdown.py and by nothing else.
    body.children[at].innerHTML = html;
  }

  end_answer(text) {
    if (!this.answer) return;
    const { element } = this.answer;
    this.said.set(element, { text, turn: this.turn });
    element.append(OF_ANSWER.cloneNode(true));
    element.classList.add("whole");
    this.answer = null;
    this.group = null;
  }

  withdraw() {
    this.answer?.element.remove();
    this.answer = null;
    this.end_thinking();
  }

  call(item) {
    this.end_thinking();
    this.answer = null;
    let call = this.calls.get(item.id);
    if (!call) {
      call = new Call(this.thread, item);
      this.calls.set(item.id, call);
      this.into_group(call.element);
    }
    call.update(item);
  }

  into_group(element) {
    if (!this.group) {
      lead(this.root.lastElementChild);
      this.group = this.add(newGroup());
    }
    this.group.append(element);
    this.newest = element;
    this.changed.add(this.group);
  }

  think(text) {
    if (!this.thinking) {
      const body = h("pre", { tabindex: "0" });
      const words = h("span.word", {}, "Thinking");
      const element = this.add(h("details.thinking.item", {}, h("summary", {}, icon("bulb"), words, icon("chevron")), body));
      this.thinking = { body, words, element, began: Date.now() };
    }
    this.thinking.body.append(text);
  }

  end_thinking() {
    if (!this.thinking) return;
    const time = Date.now() - this.thinking.began;
    this.thinking.words.textContent = time < 1000 ? "Thought" : `Thought for ${seconds(time)}`;
    this.thinking = null;
  }

  folded(name, title, text, kind = "note") {
    const body = h("pre", { tabindex: "0" }, text);
    this.add(h(`details.${kind}.item`, {}, h("summary", {}, icon(name), h("span.word", {}, title), icon("chevron")), body));
  }

  line(text) {
    this.add(h("p.line.item", {}, text));
  }

  end(item) {
    this.over();
    this.add(endingOf(item, this.actions));
  }

  cut_off() {
    this.add(cutOff(this.actions));
  }

  over() {
    this.end_thinking();
    if (this.answer) this.end_answer(this.answer.body.innerText);
    this.group = null;
  }

  /** What of an answer nothing in the session shows. */
  unsourced(texts) {
    if (texts.length) this.line(`No source in this session: ${texts.join(", ")}`);
  }

  /** What a turn cost, at its end. */
  closing({ status, reason, ...figures }) {
    this.over();
    if (status !== "done" && reason) return this.end({ status: "limit", message: reason, hint: "" });
    this.total(figures);
  }

  total(figures) {
    this.line(totalOf(figures));
  }

  /** Once a second: the time of what runs. */
  tick() {
    for (const call of this.calls.values()) if (call.state === "running") call.draw();
  }

  get running() {
    return [...this.calls.values()].filter((call) => call.state === "running");
  }
}

const ITEMS = {
  answer: (t, { blocks, text }) => {
    t.open_answer(0);
    // Made by server/markdown.py and by nothing else.
    t.answer.body.innerHTML = blocks.map((html) => `<div class="block">${html}</div>`).join("");
    t.end_answer(text);
  },
  user: (t, item) => t.user(item),
  call: (t, item) => {
    t.call(item);
    t.calls.get(item.id).began = 0; // when it began is not known: it is told while it happens
  },
  thinking: (t, { text }) => t.folded("bulb", "Thought", text, "thinking"),
  total: (t, item) => t.total(item),
  unsourced: (t, { texts }) => t.unsourced(texts),
  note: (t, { text }) => t.folded("plug", text.split("\n")[0], text),
  summary: (t, { text }) => t.folded("compress", "Older messages were summarized", text),
  end: (t, item) => t.end(item),
};

const FRAMES = {
  processing: (t, { resumes, text, turn }) => {
    for (const ending of t.root.querySelectorAll(".ending")) ending.remove();
    t.over();
    if (!resumes && text) t.user({ text, turn });
  },
  md: (t, { answer, block, html, blocks }) => {
    t.blocks(answer, blocks ? blocks.map((each, at) => [at, each]) : [[block, html]]);
    if (blocks) for (const extra of [...t.answer.body.children].slice(blocks.length)) extra.remove();
  },
  assistant_message: (t, { text }) => t.end_answer(text),
  assistant_stream_end: (t, { withdrawn }) => withdrawn && t.withdraw(),
  assistant_chunk: (t, { kind, text }) => kind === "thinking" && t.think(text),
  tool_call: (t, data) => t.call(data),
  tool_output: (t, data) => t.calls.get(data.id)?.update(data),
  tool_log: (t, { id, text, progress }) => t.calls.get(id)?.log(text, progress),
  tool_state_change: (t, { id, state }) => t.calls.get(id)?.update({ state }),
  turn_complete: (t, data) => {
    t.unsourced((data.claims ?? []).filter(({ call }) => call === null).map(({ text }) => text));
    t.closing(data);
  },
  error: (t, { kind, message, hint }) => t.end({ status: "error", message, hint, error: kind }),
  interrupted: (t) => t.end({ status: "interrupted" }),
  compacted: (t, { tokens_before: before, tokens_after: after }) =>
    t.line(`Compacted: ${before.toLocaleString("en")} → ${after.toLocaleString("en")} tokens`),
};
