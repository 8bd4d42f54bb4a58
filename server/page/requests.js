// Calls that wait for the user: approval cards, and questions of the model.

import { argumentsOf, diffOf, isDiff, textOf } from "./calls.js";
import { $, button, h, icon, isEditable, money, plural, speak, toast } from "./dom.js";

//: Milliseconds in which keys decide nothing: they were meant for what was there before.
const ARMED_AFTER = 600;
//: Typing stopped at least so many milliseconds before the focus may move.
const TYPING = 1500;
//: Characters of an argument that is shown next to the preview.
const SHORT = 200;

export class Requests {
  /** decide(decisions): posts them; returns a promise. */
  constructor(root, decide) {
    Object.assign(this, { root, decide, cards: new Map(), shownAt: 0, typedAt: -TYPING });
    root.addEventListener("keydown", (event) => this.key(event));
    $("message").addEventListener("input", () => (this.typedAt = performance.now()));
  }

  get isOpen() {
    return this.cards.size > 0;
  }

  clear() {
    const hadFocus = this.root.contains(document.activeElement);
    this.cards.clear();
    this.root.replaceChildren();
    if (hadFocus) $("message").focus();
  }

  show(requests) {
    // After a cut line the same calls wait: their cards, and what was typed there, stay.
    if (requests.length && requests.length === this.cards.size && requests.every(({ id }) => this.cards.has(id))) return;
    this.clear();
    if (!requests.length) return;
    this.many = requests.length;
    requests.forEach((request, at) => {
      const card = request.decisions.includes("respond") ? this.question(request) : this.approval(request, at);
      this.cards.set(request.id, { request, card });
      this.root.append(card);
      if (card.querySelector("pre")) this.offerAll(card, card.querySelector("pre"));
    });
    this.shownAt = performance.now();
    speak(this.many > 1 ? `${this.many} calls need your approval` : "A call needs your approval");
    this.focusIfFree();
  }

  /** Moves the focus to the first card, once the user has stopped typing; a draft keeps it. */
  focusIfFree() {
    clearTimeout(this.later);
    const rest = TYPING - (performance.now() - this.typedAt);
    if (!this.isOpen || $("message").value || document.querySelector("dialog, .menu")) return;
    if (rest > 0) this.later = setTimeout(() => this.focusIfFree(), rest);
    else if (!this.root.contains(document.activeElement)) this.focus();
  }

  /** Moves the focus to the first card that waits. */
  focus() {
    const [first] = this.cards.values();
    if (!first) return $("message").focus();
    this.shownAt = performance.now();
    (first.card.querySelector("[data-first]") ?? first.card).focus({ preventScroll: true });
    // Of a card that is higher than the window its beginning.
    for (const part of [first.card, first.card.firstElementChild]) part.scrollIntoView({ block: "nearest" });
  }

  /** What is decided must be seen whole: a preview that is cut has a button. */
  offerAll(card, preview) {
    if (preview.scrollHeight <= preview.clientHeight + 2) return;
    const show = (event) => (card.classList.add("whole"), event.currentTarget.remove(), card.focus());
    const label = `Show all ${plural(preview.textContent.trimEnd().split("\n").length, "line")} `;
    preview.after(button("link", { "data-key": "?", onclick: show }, label, h("kbd", {}, "?")));
  }

  /** What another tab or the CLI decided. */
  decided(id, state) {
    if (this.cards.has(id) && ["approved", "edited", "rejected"].includes(state)) this.settle(id, state);
  }

  key(event) {
    const card = event.target.closest(".request");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && card.querySelector(".more:not(:empty)")) {
      event.stopPropagation();
      card.querySelector(".more").replaceChildren();
      card.focus();
      return;
    }
    if (isEditable(event.target) || event.repeat) return;
    const chosen = [...this.root.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)]
      .find((each) => card.contains(each) || each.closest(".request") === null);
    if (!chosen) return;
    event.preventDefault();
    if (performance.now() - this.shownAt >= ARMED_AFTER) chosen.click();
  }

  async send(decisions, word) {
    try {
      await this.decide(decisions);
      for (const { id } of decisions) this.settle(id, word);
      this.focus();
    } catch (error) {
      toast(error.message, error.hint);
    }
  }

  settle(id, word) {
    const known = this.cards.get(id);
    if (!known) return;
    this.cards.delete(id);
    known.card.classList.add("decided");
    const { tool, title } = known.request;
    known.card.replaceChildren(icon(word === "rejected" ? "cross" : "check"),
      h("span.tool", {}, tool), h("span.word", {}, title.split("\n")[0]), h("span.meta", {}, word));
    if (this.cards.size < 2) this.root.querySelector(".all")?.remove();
  }

  approval(request, at) {
    const { id, tool, reason } = request;
    const marks = request.marks.filter((mark) => !reason.includes(mark));
    const place = this.many > 1 ? ` · ${at + 1} of ${this.many}` : "";
    const more = h("div.more", {});
    const can = (kind) => request.decisions.includes(kind);
    const choose = (name, key, label, run) => button(name, { "data-key": key, "aria-keyshortcuts": key, onclick: run }, label, h("kbd", {}, key));
    const approve = () => this.send([{ id, type: "approve" }], "approved");
    const buttons = h("div.buttons", {},
      choose("fill", "y", "Approve", approve),
      can("reject") ? choose("outline", "n", "Reject", () => this.rejecting(request, more)) : null,
      can("edit") ? choose("outline", "e", "Edit", () => this.editing(request, more)) : null,
      request.rule ? choose("outline", "a", "Always", () => this.always(request, more)) : null);
    const head = h("h2", { id: `request-${id}` }, icon("shield"), h("span", {}, `Approval needed${place}`), priceOf(request));
    const card = h("section.request", { tabindex: "-1", "aria-labelledby": `request-${id}` }, head,
      h("p.reason", {}, h("b", {}, tool), ` · ${request.effect} · ${reason}`),
      marks.length ? h("p.dangers", {}, icon("warn"), ...marks.map((mark) => h("span", {}, mark))) : null, ...shownOf(request), buttons, more);
    if (at === 0 && this.many > 1) card.prepend(this.all());
    return card;
  }

  all() {
    const every = (type, word) => () => {
      const ids = [...this.cards.values()].filter(({ request }) => request.decisions.includes(type)).map(({ request }) => request.id);
      this.send(ids.map((id) => ({ id, type, ...(type === "reject" ? { message: "" } : {}) })), word);
    };
    return h("div.all", {}, h("span", {}, `${this.many} calls wait`),
      button("link", { "data-key": "Y", onclick: every("approve", "approved") }, "Approve all ", h("kbd", {}, "Y")),
      button("link", { "data-key": "N", onclick: every("reject", "rejected") }, "Reject all ", h("kbd", {}, "N")));
  }

  /** A form below the buttons. submit() returns decisions, or null if the input is not right yet. */
  form(more, content, label, submit, word) {
    const error = h("p.wrong", { role: "alert" });
    const send = (event) => {
      event.preventDefault();
      try {
        this.send([submit()], word);
      } catch (problem) {
        error.textContent = problem.message;
      }
    };
    const close = () => (more.replaceChildren(), more.closest(".request").focus());
    const form = h("form", { onsubmit: send }, ...content, error, h("div.buttons", {},
      h("button.fill", { type: "submit" }, label), button("outline", { onclick: close }, "Cancel")));
    more.replaceChildren(form);
    form.querySelector("input, textarea, button")?.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  rejecting({ id }, more) {
    const input = h("input", { id: `why-${id}`, type: "text", autocomplete: "off" });
    this.form(more, [h("label", { for: `why-${id}` }, "What should the model do instead? (optional)"), input], "Reject",
      () => ({ id, type: "reject", message: input.value.trim() }), "rejected");
  }

  editing({ id, arguments: given }, more) {
    const fields = Object.entries(given).map(([key, value]) => {
      const text = textOf(value);
      const rows = Math.min(14, Math.max(1, text.split("\n").length, Math.ceil(text.length / 80)));
      return { key, value, area: h("textarea", { id: `edit-${id}-${key}`, rows: String(rows), spellcheck: "false" }, text) };
    });
    const content = fields.flatMap(({ key, area }) => [h("label", { for: area.id }, key), area]);
    this.form(more, content, "Approve with changes", () => ({ id, type: "edit", arguments: readFields(fields) }), "edited");
  }

  always({ id, rule }, more) {
    const words = h("p", {}, "From now on this runs in this folder without asking:", h("code.rule", {}, rule));
    this.form(more, [words], "Approve and always allow", () => ({ id, type: "approve", always: true }), "approved");
  }

  question({ id, arguments: given, preview }) {
    const say = (message) => this.send([{ id, type: "respond", message }], "answered");
    const options = (given.options ?? []).map((option, at) =>
      button("option", { "data-key": String(at + 1), onclick: () => say(option) }, h("kbd", {}, String(at + 1)), option));
    const input = h("input", { type: "text", placeholder: options.length ? "Or your own words" : "Your answer", "aria-label": "Your answer", autocomplete: "off", "data-first": options.length ? null : "" });
    const submit = (event) => (event.preventDefault(), input.value.trim() && say(input.value.trim()));
    return h("section.request.question", { tabindex: "-1", "aria-labelledby": `request-${id}` },
      h("h2", { id: `request-${id}` }, icon("ask"), h("span", {}, given.question ?? preview)),
      h("div.options", {}, ...options), h("form.answer-row", { onsubmit: submit }, input, h("button.fill", { type: "submit" }, "Answer")));
  }
}

/** The arguments as edited: text stays text, anything else is read as JSON. */
function readFields(fields) {
  return Object.fromEntries(fields.map(({ key, value, area }) => {
    if (typeof value === "string") return [key, area.value];
    try {
      return [key, JSON.parse(area.value)];
    } catch (error) {
      area.focus();
      throw new Error(`${key} is not valid JSON: ${error.message}`);
    }
  }));
}

function priceOf({ price_micro_usd: price, left_micro_usd: left, effect }) {
  if (price === null && effect !== "spend") return null;
  const rest = left === null || left === undefined ? "" : ` of ${money(left)} left`;
  return h("span.price", {}, `${price === null ? "price unknown" : money(price)}${rest}`);
}

/** The preview once, and the arguments that it does not show. */
function shownOf({ arguments: given, preview, title }) {
  const text = preview || title;
  const main = isDiff(text) ? diffOf(text) : h("pre.preview", { tabindex: "0" }, h("code", {}, text));
  const others = Object.entries(given).filter(([, value]) => {
    const own = textOf(value);
    return own !== "" && own !== text && !(own.length > 7 && text.includes(own)) && !(Array.isArray(value) && !value.length);
  });
  const short = others.map(([key, value]) => {
    const own = textOf(value);
    return [key, own.length > SHORT ? `${own.length.toLocaleString("en")} characters` : value];
  });
  return short.length ? [main, argumentsOf(short)] : [main];
}
