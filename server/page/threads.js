// The list of sessions: grouped by day, searched by the server, renamed and deleted.

import { get, post } from "./api.js";
import { $, button, dayOf, h, icon, redraw, toast } from "./dom.js";
import { ask, openMenu } from "./menus.js";

const MARKS = { running: "spin", "cut off": "warn", approval: "shield", waiting: "clock", error: "cross", limit: "warn" };
const WORDS = { running: "running", "cut off": "cut off", approval: "waits for approval", waiting: "waits", error: "failed", limit: "stopped at a limit" };

export class Threads {
  /** open(id or ""): shows that thread, or the start. */
  constructor(root, open) {
    Object.assign(this, { root, open, shown: "", known: [] });
    let later;
    $("search").addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(() => this.load(), 180);
    });
    root.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.open(link.dataset.id);
    });
  }

  async load() {
    const query = $("search").value.trim();
    try {
      const { threads } = await get(`/threads?limit=200&query=${encodeURIComponent(query)}`);
      if (query !== $("search").value.trim()) return;
      this.known = threads;
      this.draw();
    } catch (error) {
      if (!this.known.length) redraw(this.root, error.message, () => [h("p.faint", {}, error.message)]);
    }
  }

  /** Shows what is known of a thread before the list is loaded again. */
  learn(thread) {
    const at = this.known.findIndex(({ id }) => id === thread.id);
    if (at >= 0) Object.assign(this.known[at], thread);
    else if (thread.updated) this.known.unshift(thread);
    this.draw();
  }

  select(id) {
    this.shown = id;
    this.draw();
  }

  draw() {
    const state = [$("search").value, this.shown, this.known.map(({ id, title, status, updated }) => [id, title, status, dayOf(updated)])];
    const focused = document.activeElement?.closest?.("#threads [data-id]");
    redraw(this.root, state, () => this.groups());
    if (focused && !focused.isConnected) this.root.querySelector(`a[data-id="${CSS.escape(focused.dataset.id)}"]`)?.focus();
  }

  groups() {
    const groups = new Map();
    for (const thread of this.known) {
      const day = dayOf(thread.updated);
      groups.set(day, [...(groups.get(day) ?? []), this.row(thread)]);
    }
    const none = $("search").value ? "No session matches." : "Your sessions appear here.";
    if (!groups.size) return [h("p.faint", {}, none)];
    return [...groups].map(([day, rows], at) => h("section", { "aria-labelledby": `day-${at}` }, h("h2", { id: `day-${at}` }, day), h("ul", {}, ...rows)));
  }

  row(thread) {
    const { id, status } = thread;
    const title = thread.title || "Untitled";
    const isShown = id === this.shown;
    const mark = MARKS[status] ? h(`span.mark.${status.replace(" ", "-")}`, { title: WORDS[status] }, icon(MARKS[status]), h("span.hidden-text", {}, WORDS[status])) : null;
    const link = h("a", { href: `/?thread=${encodeURIComponent(id)}`, "data-id": id, "aria-current": isShown ? "page" : null, title }, h("span.word", {}, title), mark);
    const menu = button("quiet", { "aria-label": `Menu of ${title}`, "aria-haspopup": "menu", onclick: (event) => openMenu(event.currentTarget, this.choices(thread)) }, icon("more"));
    return h("li", {}, link, menu);
  }

  choices(thread) {
    return [
      { label: "Rename", icon: "pencil", run: () => this.rename(thread) },
      { label: "Delete", icon: "trash", isDanger: true, run: () => this.remove(thread) },
    ];
  }

  async rename(thread) {
    const title = await ask({ title: "Rename session", action: "Rename", field: { label: "Title", value: thread.title } });
    if (!title) return;
    await this.attempt(async () => {
      const answer = await post(`/threads/${thread.id}/rename`, { title });
      this.learn(answer.thread);
    });
  }

  async remove(thread) {
    const body = `“${thread.title || "Untitled"}” and its stored results are deleted. Files in its folder stay. This cannot be undone.`;
    if (!(await ask({ title: "Delete session?", body, action: "Delete", isDanger: true }))) return;
    await this.attempt(async () => {
      await post(`/threads/${thread.id}/delete`);
      this.known = this.known.filter(({ id }) => id !== thread.id);
      if (this.shown === thread.id) this.open("");
      this.draw();
    });
  }

  async attempt(act) {
    try {
      await act();
    } catch (error) {
      toast(error.message, error.hint);
    }
  }
}
