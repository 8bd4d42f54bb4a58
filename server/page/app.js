// The page of ml-agent web: opens a session, and passes its frames to the parts.

import { Actions } from "./actions.js";
import { get, post } from "./api.js";
import { Composer } from "./composer.js";
import { $, button, copy, h, icon, isEditable, plural, put, seconds, speak, toast } from "./dom.js";
import { Earlier } from "./earlier.js";
import { Experiment } from "./experiment.js";
import { Requests } from "./requests.js";
import { follow, listenToScrolling, settle } from "./scroll.js";
import { Stream } from "./stream.js";
import { Threads } from "./threads.js";
import { Transcript } from "./transcript.js";
import { Waits } from "./waits.js";

const EXAMPLES = [
  ["chip", "Fine-tune a small model", "Fine-tune a 0.5B model on a dataset of mine with LoRA, on the cheapest hardware that fits, and write the model card."],
  ["search", "Look into a dataset", "Inspect the dataset stanfordnlp/imdb: splits, columns, lengths, duplicates, label balance. What must be cleaned before training?"],
  ["file", "Reproduce a result", "Find a recent paper on small text classifiers, reproduce its smallest experiment here and compare the numbers in a table."],
];

//: What the parts share: the open thread ("": none), its newest status and turn.
const page = { me: null, thread: "", stream: null, status: {}, turns: 0, queue: [], waiting: "", began: 0, isStopping: false };
const actions = new Actions(page);
const transcript = new Transcript($("log"), actions);
const earlier = new Earlier(transcript);
const composer = new Composer(actions);
const threads = new Threads($("threads"), (id) => open(id));
const experiment = new Experiment($("experiment"));
const waits = new Waits($("wait"));
const requests = new Requests($("requests"), (decisions) => actions.post("decide", { decisions }));
Object.assign(page, { composer, threads, open, follow, draw, signedOut });

function open(id, isBack = false) {
  page.stream?.close();
  Object.assign(page, { thread: id, stream: null, status: {}, turns: 0, queue: [], waiting: "", isStopping: false });
  if (!isBack) history.pushState({}, "", id ? `/?thread=${encodeURIComponent(id)}` : "/");
  document.body.classList.remove("side-shown");
  transcript.clear(id);
  earlier.begin("");
  requests.clear();
  experiment.show(null);
  composer.queue([]);
  composer.plan([]);
  composer.status({ running: false, model: page.me?.model, mode: page.me?.mode });
  composer.show(id);
  threads.select(id);
  $("empty").hidden = Boolean(id);
  $("thread-menu").hidden = !id;
  line("open");
  follow();
  draw();
  if (id) page.stream = new Stream(id, frames, line);
  if (matchMedia("(pointer: fine)").matches) $("message").focus();
}

function frames(all) {
  for (const [name, data] of all) (HANDLERS[name] ?? conversation)(data, name);
  draw();
  settle();
}

const HANDLERS = {
  reset({ thread, requests: waiting, plan, queue, status, turns, experiment: trials, ...part }) {
    transcript.reset(thread.id, part);
    earlier.begin(thread.id);
    page.turns = turns;
    $("folder").textContent = thread.cwd || page.me?.folder || "";
    page.queue = queue;
    composer.queue(queue);
    HANDLERS.status({ ...status, plan: status.plan ?? plan });
    experiment.show(trials ?? null);
    requests.show(waiting);
    if (status.state === "cut off" && !status.running) transcript.cut_off();
  },
  status(newest) {
    if (newest.running && !page.status.running) page.began = Date.now();
    if (!newest.running) page.isStopping = false;
    page.status = newest;
    composer.status(newest);
    composer.plan(newest.plan ?? []);
    threads.learn({ id: page.thread, model: newest.model, title: newest.title, status: newest.running ? "running" : newest.state });
  },
  queued(message) {
    page.queue = [...page.queue.filter(({ number }) => number !== message.number), message];
    composer.queue(page.queue);
  },
  taken({ numbers }) {
    page.queue = page.queue.filter(({ number }) => !numbers.includes(number));
    composer.queue(page.queue);
  },
  experiment: (chart) => experiment.show(chart),
  notice: ({ text, hint }) => toast(text, hint),
  approval_required: (data) => requests.show(data.requests),
};

/** One of the seventeen events. */
function conversation(data, name) {
  // A wait before the next request to the model has no call.
  page.waiting = name === "tool_log" && !data.id ? data.text : "";
  if (name === "processing") requests.clear();
  if (name === "tool_state_change") requests.decided(data.id, data.state);
  page.turns = Math.max(page.turns, data.turn ?? 0);
  transcript.apply(name, data);
  const words = { turn_complete: "The turn is done", error: "The turn failed", interrupted: "Stopped", waiting: "The session waits" }[name];
  if (!words) return;
  speak(words);
  threads.load();
}

// What is shown apart from the conversation.

function draw() {
  const { running, driver, title, waiting, goal } = page.status;
  const name = page.thread ? title || "Untitled" : "";
  const isAsking = requests.isOpen;
  put($("title"), name || "New session");
  document.title = `${isAsking ? "? " : running ? "● " : ""}${name || "ML Agent"}`;
  const isWorking = running && !isAsking;
  $("working").hidden = !isWorking;
  put($("working-word"), isWorking ? doing() : "");
  put($("working-time"), isWorking ? seconds(Date.now() - page.began) : "");
  waits.show(running ? null : waiting ?? null, goal ?? null);
  const words = isAsking ? "Waiting for approval" : running && driver === "elsewhere" ? "Runs in another process" : "";
  if (words === $("doing").textContent) return;
  $("doing").replaceChildren(isAsking ? button("link", { onclick: () => requests.focus() }, words) : words);
}

function doing() {
  if (page.isStopping) return "Stopping";
  if (page.waiting) return page.waiting;
  const { running } = transcript;
  if (running.length > 1) return `Running ${plural(running.length, "call")}`;
  if (running.length) return `Running ${running[0].tool}`;
  return transcript.answer ? "Writing" : "Thinking";
}

/** The state of the stream: open, lost (it tries again), refused (an answer that is not a stream). */
function line(state, error) {
  if (error?.status === 401) return signedOut();
  if (error?.status === 404) return open(""), toast(error.message, error.hint);
  if (state === "refused") return;
  const isLost = state === "lost";
  $("banner").replaceChildren(...(isLost ? [icon("spin"), "Connection lost. Trying again…"] : []));
  $("banner").classList.toggle("shown", isLost);
  if (!isLost) threads.load();
}

function signedOut() {
  page.stream?.close();
  const isSpace = page.me?.kind === "space";
  const how = isSpace ? h("a", { href: actions.signIn }, "Sign in again") : "Open the link that ml-agent web printed, or start it again.";
  $("banner").replaceChildren(icon("warn"), h("span", {}, "You are signed out. ", how));
  $("banner").classList.add("shown");
}

// Starting.

function empty({ user, folder, warnings }) {
  const cards = EXAMPLES.map(([name, title, text]) => button("example", { onclick: () => (composer.set(text), $("message").focus()) },
    icon(name), h("b", {}, title), h("span", {}, text)));
  $("empty").replaceChildren(h("img", { src: new URL("icon.svg", import.meta.url).pathname, alt: "", width: "44", height: "44" }),
    h("h2", {}, user?.name ? `What should we build, ${user.name}?` : "What should we build?"),
    h("p.faint", {}, "Trains, evaluates and publishes models. ", ...(folder ? ["Works in ", h("code", {}, folder), "."] : [])),
    h("div.examples", {}, ...cards), ...warnings.map((text) => h("p.warning", {}, icon("warn"), text)));
}

function listen() {
  listenToScrolling(() => earlier.load());
  $("thread-menu").addEventListener("click", () => actions.menu($("thread-menu")));
  $("context").addEventListener("click", () => actions.compact());
  $("cost").addEventListener("click", () => actions.raiseCap());
  $("new").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open("");
  });
  document.addEventListener("click", (event) => {
    const from = event.target.closest(".code .copy");
    if (from) copy(from.closest(".code").querySelector("code").textContent, from);
  });
  $("side-open").addEventListener("click", () => side(true));
  $("side-close").addEventListener("click", () => side(false));
  $("shade").addEventListener("click", () => side(false));
  document.addEventListener("keydown", shortcuts);
  addEventListener("popstate", () => open(threadOfAddress(), true));
  addEventListener("focus", () => threads.load());
  setInterval(() => {
    transcript.tick();
    if (page.status.running || page.status.waiting) draw();
  }, 1000);
  setInterval(() => document.hidden || threads.load(), 20_000);
}

function side(isShown) {
  document.body.classList.toggle("side-shown", isShown);
  document.body.classList.toggle("side-hidden", !isShown);
  (isShown ? $("side-close") : $("side-open")).focus();
}

function shortcuts(event) {
  const isCommand = event.ctrlKey || event.metaKey;
  const isFree = !document.querySelector("dialog, .menu");
  if (event.key === "Escape" && document.body.classList.contains("side-shown")) side(false);
  else if (event.key === "Escape" && page.status.running && !requests.isOpen && isFree) actions.stop();
  else if (isCommand && event.key === "k") $("search").focus();
  else if (isCommand && event.shiftKey && event.key.toLowerCase() === "o") open("");
  else if (event.key === "/" && !isEditable(event.target)) $("message").focus();
  else return;
  event.preventDefault();
}

function threadOfAddress() {
  return new URLSearchParams(location.search).get("thread") ?? "";
}

async function start() {
  listen();
  open(threadOfAddress(), true);
  await actions.attempt(async () => {
    page.me = await get("/me");
    const { models, model, modes, mode, folder, user, version, limits, warnings } = page.me;
    Object.assign(composer, { models, modes, model: composer.model || model, mode: composer.mode || mode });
    document.body.dataset.kind = page.me.kind;
    composer.pickers();
    empty({ user, folder, warnings });
    $("message").maxLength = limits.message;
    $("folder").textContent = folder;
    $("account").replaceChildren(h("span.word", {}, user?.name ?? folder), account(version));
  });
}

/** The version, or the way out of a Space. */
function account(version) {
  if (page.me.kind !== "space") return h("span.faint", {}, version);
  return button("link", { onclick: () => actions.attempt(async () => (await post("/signout"), location.assign("/"))) }, "Sign out");
}

start();
