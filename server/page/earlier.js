// The older part of a long session: asked for while the browser has nothing else to do, or at once
// when the user scrolls up to it. In the end all of it is in the document, so that it can be found.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { above } from "./scroll.js";

//: Milliseconds before a part is asked for again that did not come.
const PAUSE = 3000;
const whenIdle = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 100));

export class Earlier {
  /** transcript: has `oldest`, the key of its first item, and `prepend`. */
  constructor(transcript) {
    Object.assign(this, { transcript, thread: "", run: 0, isLoading: false });
  }

  /** After a reset; thread "": none is open. */
  begin(thread) {
    this.thread = thread;
    this.run++;
    this.isLoading = false;
    this.later();
  }

  later() {
    const { run } = this;
    const isMore = Boolean(this.thread && this.transcript.oldest);
    $("earlier").hidden = !isMore;
    if (isMore) whenIdle(() => run === this.run && this.load());
  }

  async load() {
    const { run, thread, transcript } = this;
    if (this.isLoading || !thread || !transcript.oldest) return;
    this.isLoading = true;
    const path = `/threads/${encodeURIComponent(thread)}/items?before=${encodeURIComponent(transcript.oldest)}`;
    try {
      const part = await get(path);
      if (run === this.run) above(() => transcript.prepend(part));
    } catch {
      // A cut line, or a reset is on its way, which begins again.
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    if (run !== this.run) return;
    this.isLoading = false;
    this.later();
  }
}
