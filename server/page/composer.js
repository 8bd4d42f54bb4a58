// What is below the conversation: the message, its queue, the plan, model, mode, cost and context.

import { $, button, h, icon, money, plural, put, redraw, svgOf } from "./dom.js";
import { openMenu } from "./menus.js";

const MODES = {
  ask: ["Ask", "Asks before commands, publishing and spending"],
  auto: ["Auto", "Asks only about what cannot be undone"],
  "read-only": ["Read-only", "Runs nothing that changes anything"],
  yolo: ["Yolo", "Asks about almost nothing"],
};
const PLAN = { completed: "check", in_progress: "dot", pending: "ring" };
const DRAFT = "ml-agent draft ";

export class Composer {
  /** actions: {send(text), stop(), withdraw(number), model(id), mode(name)}. */
  constructor(actions) {
    Object.assign(this, { actions, thread: "", model: "", mode: "", models: [], modes: [], isRunning: false });
    this.field = $("message");
    $("composer").addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    $("composer").addEventListener("click", (event) => event.target === $("composer") && this.field.focus());
    $("stop").addEventListener("click", () => actions.stop());
    $("model").addEventListener("click", () => this.pickModel());
    $("mode").addEventListener("click", () => this.pickMode());
  }

  show(thread) {
    this.thread = thread;
    this.set(sessionStorage.getItem(DRAFT + thread) ?? "");
  }

  set(text) {
    this.field.value = text;
    this.changed();
  }

  changed() {
    const { field } = this;
    sessionStorage.setItem(DRAFT + this.thread, field.value);
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, innerHeight * 0.4)}px`;
    $("send").disabled = !field.value.trim();
    this.buttons();
  }

  buttons() {
    const isEmpty = !this.field.value.trim();
    $("stop").hidden = !this.canStop;
    $("send").hidden = this.canStop && isEmpty;
    this.field.placeholder = this.isRunning ? "Steer the running turn" : this.thread ? "Reply" : "Describe a task";
  }

  async submit() {
    const { thread } = this;
    const text = this.field.value.trim();
    if (!text || this.isSending) return;
    this.isSending = true;
    // What is on its way is not a draft: an approval can take the focus.
    this.set("");
    sessionStorage.setItem(DRAFT + thread, text);
    const isSent = await this.actions.send(text);
    this.isSending = false;
    const newer = this.thread === thread ? this.field.value : "";
    sessionStorage.setItem(DRAFT + thread, isSent ? newer : newer || text);
    if (!isSent && this.thread === thread && !newer) this.set(text);
  }

  status({ running, driver, model, mode, cost, cap, left, context }) {
    this.isRunning = running;
    this.canStop = running && driver !== "elsewhere";
    this.model = model || this.model;
    this.mode = mode || this.mode;
    this.buttons();
    this.pickers();
    const used = context ? Math.round((100 * context.total) / context.window) : null;
    $("context").hidden = used === null;
    if (used !== null) {
      redraw($("context"), used, () => [ring(used), h("span", {}, `${used}%`), h("span.wide", {}, "context")]);
      $("context").title = `${context.total.toLocaleString("en")} of ${context.window.toLocaleString("en")} tokens; compacts at ${context.threshold.toLocaleString("en")}`;
      $("context").classList.toggle("near", context.total > 0.85 * context.threshold);
    }
    $("cost").hidden = !cost;
    if (!cost) return;
    const isCapped = left !== null && left !== undefined;
    put($("cost"), `${money(cost.thread)}${isCapped ? ` · ${money(left)} left` : ""}`);
    const limit = cap === null || cap === undefined ? "" : `; cap of this session ${money(cap)}`;
    $("cost").title = `This turn ${money(cost.turn)}, this session ${money(cost.thread)}, today ${money(cost.day)}${limit}`;
  }

  pickers() {
    const short = this.model.split("/").at(-1);
    redraw($("model"), short, () => [h("span.word", {}, short || "Model"), icon("pick")]);
    $("model").ariaLabel = `Model: ${this.model}`;
    $("model").title = this.model;
    redraw($("mode"), this.mode, () => [icon("shield"), h("span.word", {}, MODES[this.mode]?.[0] ?? (this.mode || "Mode")), icon("pick")]);
    $("mode").ariaLabel = `Permission mode: ${this.mode}`;
    $("mode").title = MODES[this.mode]?.[1] ?? "";
    $("mode").dataset.mode = this.mode;
  }

  pickModel() {
    const all = [...new Set([this.model, ...this.models].filter(Boolean))];
    const item = (id) => ({ label: id, isChosen: id === this.model, run: () => this.actions.model(id) });
    const free = (id) => ({ label: id, detail: "Use this model", icon: "plus", run: () => this.actions.model(id) });
    openMenu($("model"), all.map(item), { filter: "Find or type a model", free, side: "above" });
  }

  pickMode() {
    const item = (name) => ({
      label: MODES[name]?.[0] ?? name, detail: MODES[name]?.[1], isChosen: name === this.mode, run: () => this.actions.mode(name),
    });
    openMenu($("mode"), this.modes.map(item), { side: "above" });
  }

  queue(waiting) {
    $("queue").hidden = !waiting.length;
    redraw($("queue"), waiting, () => waiting.map(({ number, text }) => h("li", {}, icon("up"), h("span.word", {}, text),
      h("span.faint.wide", {}, "at the next step"),
      button("quiet", { "aria-label": "Withdraw this message", title: "Withdraw", onclick: () => this.actions.withdraw(number, text) }, icon("cross")))));
  }

  plan(items) {
    $("plan").hidden = !items?.length;
    if ($("plan").hidden) return;
    const done = items.filter(({ status }) => status === "completed").length;
    const now = items.find(({ status }) => status === "in_progress");
    const title = now?.text ?? (done === items.length ? "Done" : items.find(({ status }) => status === "pending")?.text ?? "");
    redraw($("plan-now"), [done, items.length, title], () =>
      [icon("list"), h("span.count", {}, `${done} of ${items.length}`), h("span.word", {}, title), icon("chevron")]);
    $("plan-steps").ariaLabel = plural(items.length, "step");
    redraw($("plan-steps"), items, () => items.map(({ text, status }) =>
      h(`li.${status}`, {}, icon(PLAN[status] ?? "ring"), h("span", {}, text), h("span.hidden-text", {}, status.replace("_", " ")))));
  }
}

/** A ring that is filled to so many per cent. */
function ring(percent) {
  const svg = svgOf("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" });
  for (const [name, dash] of [["ring-back", 100], ["ring-fill", percent]]) {
    svg.append(svgOf("circle", { cx: 10, cy: 10, r: 7, pathLength: 100, "stroke-dasharray": `${dash} 100`, class: name }));
  }
  return svg;
}
