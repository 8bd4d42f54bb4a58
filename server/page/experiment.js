// The experiment of a session: its trials as a chart, their words in a table.

import { h, icon, money, duration, plural, svgOf } from "./dom.js";

const HEIGHT = 220;
const EDGE = { left: 58, right: 14, top: 12, bottom: 34 };
//: Heights from which on the chart is open at first: below, it would cover the conversation.
const TALL = 760;

//: The paths of the marks, around 0 0.
const SHAPES = {
  other: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
  kept: "M0 -6L6 0L0 6L-6 0Z",
  best: "M0 -8.5L2.1 -2.9L8.1 -2.6L3.4 1.1L5 6.9L0 3.6L-5 6.9L-3.4 1.1L-8.1 -2.6L-2.1 -2.9Z",
  failed: "M-3 -3L3 3M-3 3L3 -3",
};

export class Experiment {
  constructor(root) {
    Object.assign(this, { root, chart: null, width: 0 });
    this.title = h("span.word");
    // The table and its fold stay while trials end: so do their scrolling and the focus.
    this.drawing = h("div");
    this.table = h("div.table", { tabindex: "0", role: "region", "aria-label": "All trials" });
    const trials = h("details.trials", {}, h("summary", {}, h("span.word", {}, "All trials"), icon("chevron")), this.table);
    this.body = h("div.experiment-body", {}, this.drawing, trials);
    this.fold = h("details", { open: innerHeight >= TALL }, h("summary", {}, icon("chart"), this.title, icon("chevron")), this.body);
    root.append(this.fold);
    this.fold.addEventListener("toggle", () => this.draw());
    new ResizeObserver(() => root.clientWidth !== this.width && this.draw()).observe(root);
  }

  /** chart: CHART of server/protocol.md, or null. */
  show(chart) {
    this.root.hidden = !chart;
    const isNew = JSON.stringify(chart) !== JSON.stringify(this.chart);
    this.chart = chart;
    if (!chart || !isNew) return;
    const best = chart.points.find(({ number }) => number === chart.best);
    const count = plural(chart.points.length + chart.failed.length, "trial");
    this.title.textContent = `Experiment: ${chart.metric}${best ? ` ${figure(best.value)} at best` : ""}, ${count}`;
    this.draw();
  }

  draw() {
    this.width = this.root.clientWidth;
    if (!this.chart || !this.fold.open || !this.width) return;
    const words = h("p.picked", {}, "");
    const drawn = this.chart.points.length ? [pictureOf(this.chart, Math.max(260, this.body.clientWidth), words), legend(), words] : [];
    this.drawing.replaceChildren(...drawn, ...this.chart.captions.map((text) => h("p.faint", {}, text)));
    this.table.replaceChildren(tableOf(this.chart));
  }
}

function legend() {
  const names = [["best", "best"], ["kept", "kept"], ["other", "not kept"]];
  const of = (kind) => svgOf("svg", { viewBox: "-9 -9 18 18", "aria-hidden": "true" }, mark(kind, 0, 0));
  return h("p.facts.legend", {}, ...names.map(([kind, word]) => h("span", {}, of(kind), word)), h("span", {}, "Lines: lowest to highest run; steps: the best so far"));
}

function pictureOf(chart, width, words) {
  const { points, failed, limits } = chart;
  const last = Math.max(1, ...points.map(({ number }) => number), ...failed.map(([number]) => number));
  const margin = (limits[1] - limits[0]) * 0.06 || Math.abs(limits[1]) * 0.1 || 1;
  const [low, high] = [limits[0] - margin, limits[1] + margin];
  const x = (number) => EDGE.left + ((width - EDGE.left - EDGE.right) * number) / last;
  const y = (value) => HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * (Math.min(high, Math.max(low, value)) - low)) / (high - low);
  const label = `${chart.metric} over ${points.length} trials. ${chart.captions.join(". ")}`;
  const svg = svgOf("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const value of ticks(low, high, 4)) svg.append(line("grid", EDGE.left, y(value), width - EDGE.right, y(value)), text(EDGE.left - 8, y(value) + 4, figure(value), "end"));
  for (const number of ticks(0, last, width < 400 ? 5 : 10).filter(Number.isInteger)) svg.append(text(x(number), HEIGHT - EDGE.bottom + 16, number, "middle"));
  svg.append(text(width - EDGE.right, HEIGHT - 3, "trial", "end"));
  const steps = points.filter(({ best }) => best !== null).flatMap(({ number, best }, at, all) => [[number, all[Math.max(0, at - 1)].best], [number, best]]);
  svg.append(svgOf("polyline", { class: "steps", points: steps.map(([number, value]) => `${x(number)},${y(value)}`).join(" ") }));
  const shown = points.filter(({ value }) => value >= limits[0] && value <= limits[1]);
  for (const one of shown) svg.append(line("spread", x(one.number), y(one.low), x(one.number), y(one.high)));
  for (const [number] of failed) svg.append(mark("failed", x(number), HEIGHT - EDGE.bottom - 6));
  const rank = ["other", "kept", "best"];
  const marked = shown.map((one) => [kindOf(chart, one), one]).sort(([a], [b]) => rank.indexOf(a) - rank.indexOf(b));
  for (const [kind, { number, value }] of marked) svg.append(mark(kind, x(number), y(value)));
  listen(svg, chart, { x, width, words });
  return svg;
}

/** The trial that is next to the pointer, in words below the chart. */
function listen(svg, chart, { x, width, words }) {
  const known = [...chart.points.map((one) => [one.number, wordsOf(chart, one)]), ...chart.failed.map(([number, verdict]) => [number, `Trial ${number}, ${verdict}`])];
  const pick = ({ clientX }) => {
    const box = svg.getBoundingClientRect();
    const at = ((clientX - box.left) * width) / box.width;
    words.textContent = known.reduce((one, other) => (Math.abs(x(other[0]) - at) < Math.abs(x(one[0]) - at) ? other : one))[1];
  };
  svg.addEventListener("pointermove", pick);
  svg.addEventListener("pointerdown", pick);
}

function wordsOf(chart, { number, verdict, value, low, high, cost, seconds, hypothesis }) {
  const spread = low === high ? "" : ` (${figure(low)} to ${figure(high)})`;
  return `Trial ${number}, ${verdict}: ${chart.metric} ${figure(value)}${spread}, ${duration(seconds)}${cost ? `, ${money(cost)}` : ""}. ${hypothesis}`;
}

function tableOf(chart) {
  const names = ["Trial", "Verdict", chart.metric, "Lowest", "Highest", "Hypothesis"];
  const rows = [...chart.points.map((one) => [one.number, one.verdict, figure(one.value), figure(one.low), figure(one.high), one.hypothesis]),
    ...chart.failed.map(([number, verdict, hypothesis]) => [number, verdict, "", "", "", hypothesis])].sort(([a], [b]) => a - b);
  const cells = (row) => h("tr", { class: row[0] === chart.best ? "best" : null }, ...row.map((cell) => h("td", {}, String(cell))));
  return h("table", {}, h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows.map(cells)));
}

function kindOf(chart, { number, verdict }) {
  if (number === chart.best) return "best";
  return verdict === "keep" || verdict === "baseline" ? "kept" : "other";
}

function mark(kind, x, y) {
  return svgOf("path", { class: `point ${kind}`, d: SHAPES[kind], transform: `translate(${x} ${y})` });
}

function line(kind, x1, y1, x2, y2) {
  return svgOf("line", { class: kind, x1, y1, x2, y2 });
}

function text(x, y, words, anchor) {
  return svgOf("text", { x, y, "text-anchor": anchor }, String(words));
}

function figure(value) {
  return String(Number(value.toPrecision(5)));
}

/** Round numbers from low to high, about so many. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}
