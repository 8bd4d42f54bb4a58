// One tool call: a line, live lines while it runs, its result folded.

import { getText } from "./api.js";
import { button, copy, duration, h, icon, plural, seconds, svgOf, toast } from "./dom.js";

const ICONS = {
  bash: "terminal", process: "terminal", read: "file", write: "pencil", edit: "pencil", notebook: "pencil",
  glob: "search", grep: "search", web: "globe", github: "globe", hf_jobs: "chip", hf_fit: "chip", plan: "list",
  ask_user: "ask", research: "people", wait: "clock",
};
const WORDS = {
  pending: "waiting", approved: "approved", edited: "approved with changes", rejected: "rejected",
  running: "running", failed: "failed", interrupted: "stopped", unknown: "outcome unknown",
};
const OVER = new Set(["done", "failed", "rejected", "interrupted", "unknown"]);
//: Lines of a running call that are shown: the newest.
const LIVE = 8;

export function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** A value in a line: a list of short words as words. */
function inline(value) {
  const isWords = Array.isArray(value) && value.every((each) => typeof each === "string" && each.length < 40);
  return isWords ? value.join(", ") : textOf(value);
}

export function isDiff(text) {
  return /^(--- |diff --git)/m.test(text) && /^@@ /m.test(text);
}

/** Text with a line each in the colour of a diff. */
export function diffOf(text) {
  const kinds = { "+": "add", "-": "del", "@": "hunk" };
  let isIn = false;
  const lines = text.replace(/\n$/, "").split("\n").map((line) => {
    if (/^(---|\+\+\+|diff ) ?/.test(line) && !/^[-+]{3}[^ ]/.test(line)) return h("span.head", {}, `${line}\n`);
    isIn ||= line.startsWith("@@");
    return h(`span.${(isIn && kinds[line[0]]) || "same"}`, {}, `${line}\n`);
  });
  return h("pre.diff", { tabindex: "0" }, h("code", {}, ...lines));
}

//: A call without its words, to be copied: a long session has hundreds.
const SHAPE = h("div.call", {},
  h("details", {}, h("summary", {}, h("span.tool"), h("span.word"), h("span.meta"), icon("chevron")), h("div.call-body")),
  h("div.told", { hidden: true }, h("progress", { "aria-label": "Steps", hidden: true }), h("span")),
  h("pre.live", { hidden: true }));

export class Call {
  /** `update` is to follow. */
  constructor(thread, { id, tool, arguments: given }) {
    Object.assign(this, { thread, id, tool, given: given ?? {}, title: "", summary: "", state: "", live: [], began: Date.now() });
    this.element = SHAPE.cloneNode(true);
    [this.details, this.told, this.under] = this.element.children;
    [this.line, this.body] = this.details.children;
    const name = tool.includes("__") ? "plug" : ICONS[tool] ?? (tool.startsWith("hf_") ? "cube" : "dot");
    this.line.prepend(icon(name));
    const [toolName, word, meta] = this.line.querySelectorAll("span");
    Object.assign(this, { word, meta });
    toolName.textContent = tool;
    this.details.addEventListener("toggle", () => this.fill());
  }

  /** Takes fields of a call item or of its events. */
  update(data) {
    if (data.arguments) this.given = data.arguments;
    if (data.state) this.state = data.state;
    for (const key of ["title", "ok", "text", "truncated", "seconds", "summary"]) if (key in data) this[key] = data[key];
    if (this.ok === false && !OVER.has(this.state)) this.state = "failed";
    if (this.ok === true && !OVER.has(this.state)) this.state = "done";
    if (data.state === "running") this.began = Date.now();
    this.element.dataset.state = this.state || "pending";
    this.word.textContent = this.title.split("\n")[0].slice(0, 300);
    this.draw();
    this.isFilled = false;
    if (this.details.open) this.fill();
  }

  open() {
    this.details.open = true;
    this.fill();
  }

  get isOver() {
    return OVER.has(this.state);
  }

  /** A line of its output; progress: the state of a training, by this line. */
  log(text, progress) {
    if (progress && !this.isOver) this.tell(progress);
    this.live.push(...text.split("\n"));
    this.live.splice(0, this.live.length - LIVE);
    this.under.textContent = this.live.join("\n");
    this.under.hidden = this.isOver;
  }

  /** The state of a training, or what came of the call: a line below it. */
  tell(line) {
    const [bar, words] = this.told.children;
    const [, step, total] = (!this.isOver && line.match(/ (\d+)\/(\d+)/)) || [];
    this.told.hidden = !line;
    bar.hidden = !step;
    if (step) Object.assign(bar, { max: Number(total), value: Number(step) });
    if (words.textContent !== line) words.replaceChildren(...withSparks(line));
  }

  draw() {
    const isRunning = this.state === "running";
    const ran = this.isOver && this.seconds >= 0.05 ? duration(this.seconds) : "";
    const time = isRunning && this.began ? seconds(Date.now() - this.began) : ran;
    const words = [isRunning ? "" : WORDS[this.state], time].filter(Boolean);
    this.meta.replaceChildren(...words.map((text) => h("span", {}, text)), mark(this.state));
    this.under.classList.toggle("why", this.state === "failed");
    if (!this.isOver) return;
    this.tell(this.summary);
    const why = this.state === "failed" && this.text ? reasonOf(this.text) : "";
    this.under.textContent = why;
    this.under.hidden = !why;
  }

  /** Builds what is folded, once it is opened. */
  fill() {
    if (!this.details.open || this.isFilled) return;
    this.isFilled = true;
    const parts = [];
    const { command, ...rest } = this.given;
    if (command) parts.push(h("pre.command", { tabindex: "0" }, h("code", {}, command)));
    const hasDiff = this.text && isDiff(this.text);
    const shown = hasDiff ? {} : this.tool === "bash" ? rest : this.given;
    const others = Object.entries(shown).filter(([, value]) => value !== "" && value !== null);
    if (others.length) parts.push(argumentsOf(others));
    if (this.text) parts.push(hasDiff ? this.diff() : h("pre", { tabindex: "0" }, this.text));
    if (this.text) parts.push(this.foot());
    else parts.push(h("p.faint", {}, this.isOver ? "No output." : "No output yet."));
    this.body.replaceChildren(...parts);
  }

  diff() {
    const start = this.text.search(/^(--- |diff --git)/m);
    const before = this.text.slice(0, start).trim();
    return h("div", {}, before ? h("p.faint", {}, before) : null, diffOf(this.text.slice(start)));
  }

  foot() {
    const lines = this.text.replace(/\n$/, "").split("\n").length;
    const all = this.truncated
      ? button("link", { onclick: () => this.loadAll() }, "Show all of it")
      : null;
    const take = button("copy", { onclick: (event) => copy(this.text, event.currentTarget) }, "Copy");
    return h("div.call-foot", {}, h("span", {}, plural(lines, "line") + (this.truncated ? ", cut" : "")), all, take);
  }

  async loadAll() {
    try {
      const path = `/threads/${encodeURIComponent(this.thread)}/results/${encodeURIComponent(this.id)}`;
      this.update({ text: await getText(path), truncated: false });
    } catch (error) {
      toast(error.message, error.hint);
    }
  }
}

function mark(state) {
  const names = { done: "check", failed: "cross", rejected: "cross", interrupted: "stop", running: "spin", unknown: "ask" };
  return icon(names[state] ?? "ring");
}

/** The line of a failure that says most: the last one of a traceback, else the first. */
function reasonOf(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line && !/^\[exit code/.test(line));
  const isTrace = lines.some((line) => line.startsWith("Traceback"));
  return ((isTrace ? lines.at(-1) : lines[0]) ?? text.trim()).slice(0, 400);
}

/** A line whose runs of block characters are drawn as curves: fonts draw them as they like. */
function withSparks(line) {
  return line.split(/([▁-█]{2,})/).map((part, at) => (at % 2 ? spark([...part]) : part));
}

function spark(blocks) {
  const heights = blocks.map((block) => block.codePointAt(0) - 0x2581);
  const points = heights.map((height, at) => `${3 + (50 * at) / (heights.length - 1)},${15 - (12 * height) / 7}`);
  const svg = svgOf("svg", { class: "spark", viewBox: "0 0 56 18", role: "img", "aria-label": "its course" });
  svg.append(svgOf("polyline", { points: points.join(" ") }), svgOf("title", {}, blocks.join("")));
  return svg;
}

/** A list of names and values. */
export function argumentsOf(entries) {
  return h("dl", {}, ...entries.map(([key, value]) => {
    const text = inline(value);
    const isLong = text.includes("\n") || text.length > 100;
    const shown = isLong ? h("pre", { tabindex: "0" }, text) : h("code", {}, text);
    return h(isLong ? "div.long" : "div", {}, h("dt", {}, key), h("dd", {}, shown));
  }));
}
