// What the user can do with a session, and the questions before it.

import { post } from "./api.js";
import { $, h, linked, money, plural, toast } from "./dom.js";
import { ask, openMenu } from "./menus.js";

export class Actions {
  /** page: {thread, turns, status, composer, threads, open, follow, draw, signedOut}. */
  constructor(page) {
    this.page = page;
  }

  /** Where to sign in, and come back to this session. */
  get signIn() {
    const { thread } = this.page;
    return thread ? `/signin?thread=${encodeURIComponent(thread)}` : "/signin";
  }

  post(action, body) {
    return post(`/threads/${encodeURIComponent(this.page.thread)}/${action}`, body);
  }

  /** Runs it; an error becomes a message. Returns whether it worked. */
  async attempt(act) {
    try {
      await act();
      return true;
    } catch (error) {
      if (error.status === undefined) throw error;
      this.page.isStopping = false;
      if (error.status === 401) this.page.signedOut();
      else toast(error.message, error.hint);
      return false;
    }
  }

  send(text) {
    const { composer, threads, open, follow, thread } = this.page;
    follow();
    return this.attempt(async () => {
      if (thread) return this.post("send", { text });
      const chosen = { model: composer.model || undefined, mode: composer.mode || undefined };
      const made = await post("/threads", { text, ...chosen });
      threads.learn(made.thread);
      return open(made.thread.id);
    });
  }

  stop() {
    this.page.isStopping = true;
    this.page.draw();
    return this.attempt(() => this.post("stop"));
  }

  resume() {
    return this.attempt(() => this.post("resume"));
  }

  compact() {
    return this.attempt(() => this.post("compact"));
  }

  withdraw(number, text) {
    return this.attempt(async () => {
      const { withdrawn } = await this.post("withdraw", { number });
      if (!withdrawn) toast("The model has already read this message.");
      else if (!$("message").value) this.page.composer.set(text);
    });
  }

  model(model) {
    const { composer, thread } = this.page;
    return this.attempt(async () => {
      const route = thread ? (await this.post("model", { model })).route : "";
      if (route) toast(`Model: ${model}`, route);
      composer.model = model;
      composer.pickers();
    });
  }

  mode(mode) {
    const { composer, thread } = this.page;
    return this.attempt(async () => {
      if (thread) await this.post("mode", { mode });
      composer.mode = mode;
      composer.pickers();
    });
  }

  raiseCap() {
    const label = "US dollars that this session may spend in addition";
    const field = { label, type: "number", value: "5", min: "0.01", step: "any" };
    return this.attempt(async () => {
      const dollars = Number(await ask({ title: "Raise the cap", body: costs(this.page.status), action: "Raise", field }));
      if (!dollars) return;
      await this.post("cap", { dollars });
      toast(`This session may spend ${money(dollars * 1e6)} more.`);
    });
  }

  /** Undoes this turn and those after it; its text is there to be edited. */
  undo(turn, text = "") {
    return this.attempt(async () => {
      const turns = Math.max(1, this.page.turns - turn + 1);
      const { moved: plan } = await this.post("undo", { turns, dry_run: true });
      const title = turns > 1 ? `Undo ${turns} turns?` : "Undo this turn?";
      const body = consequences(plan);
      if (body && !(await ask({ title, body, action: "Undo" }))) return;
      const { moved } = await this.post("undo", { turns });
      if (text && !$("message").value) this.page.composer.set(text);
      $("message").focus();
      toast(summary("Undid", moved), "", { label: "Redo", run: () => this.redo() });
    });
  }

  redo() {
    return this.attempt(async () => toast(summary("Redid", (await this.post("redo")).moved)));
  }

  fork(turn) {
    return this.attempt(async () => {
      const { thread } = await this.post("fork", turn ? { at: turn } : {});
      this.page.threads.learn(thread);
      await this.page.open(thread.id);
      toast("This is a copy of the session.");
    });
  }

  menu(anchor) {
    const { threads, status, turns } = this.page;
    const thread = { id: this.page.thread, title: status.title };
    openMenu(anchor, [
      { label: "Rename", icon: "pencil", run: () => threads.rename(thread) },
      { label: "Fork", detail: "A copy of this session", icon: "fork", run: () => this.fork() },
      "-",
      { label: "Undo the last turn", icon: "undo", run: () => this.undo(turns) },
      { label: "Redo", icon: "redo", run: () => this.redo() },
      { label: "Compact", detail: "Summarize older messages", icon: "compress", run: () => this.compact() },
      { label: "Raise the cap", icon: "plus", run: () => this.raiseCap() },
      "-",
      { label: "Delete", icon: "trash", isDanger: true, run: () => threads.remove(thread) },
    ]);
  }
}

/** What an undo changes apart from the conversation; null: nothing. */
function consequences({ restored = [], removed = [], left, beyond, files_off: filesOff }) {
  const kept = Object.entries(left ?? {}).map(([path, why]) => `${path}: ${why}`);
  const parts = [
    ["Files that get their earlier content", restored.filter((path) => !removed.includes(path))],
    ["Files that are removed", removed],
    ["Files that stay as they are", kept], ["What cannot be undone", beyond],
    ["Files", filesOff ? [filesOff] : []],
  ].filter(([, list]) => list?.length);
  if (!parts.length) return null;
  const lists = parts.map(([title, list]) => h("div", {}, h("h3", {}, title), h("ul", {}, ...list.map((each) => h("li", {}, ...linked(each))))));
  return h("div", {}, ...lists);
}

function summary(verb, { moved, restored = [], removed = [] }) {
  const files = new Set([...restored, ...removed]).size;
  return `${verb} ${plural(moved?.length || 1, "turn")}${files ? ` and ${plural(files, "file")}` : ""}.`;
}

function costs({ cost, cap }) {
  if (!cost) return "";
  const limit = cap === null || cap === undefined ? "" : ` Its cap is ${money(cap)}.`;
  return `This turn ${money(cost.turn)}, this session ${money(cost.thread)}, today ${money(cost.day)}.${limit}`;
}
