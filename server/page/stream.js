// The stream of a thread: every frame once and in order, handed over once per drawn frame.

const NAMES = [
  "reset", "md", "queued", "taken", "status", "experiment", "notice", "ready", "processing", "assistant_chunk",
  "assistant_message", "assistant_stream_end", "tool_call", "tool_output", "tool_log",
  "tool_state_change", "approval_required", "waiting", "turn_complete", "error", "interrupted", "compacted",
  "undo_complete", "shutdown",
];
//: Milliseconds without a connection before the page says so: a short cut is not worth a word.
const PATIENCE = 1200;

export class Stream {
  /** onFrames([[name, data]]); onLine("open" | "lost" | "refused", error). */
  constructor(thread, onFrames, onLine) {
    Object.assign(this, { thread, onFrames, onLine, waiting: [], last: "", isScheduled: false });
    this.connect();
  }

  connect() {
    clearTimeout(this.retry);
    const from = this.last ? `?last=${encodeURIComponent(this.last)}` : "";
    const source = new EventSource(`/threads/${encodeURIComponent(this.thread)}/events${from}`);
    this.source = source;
    for (const name of NAMES) source.addEventListener(name, (event) => this.take(name, event));
    source.onopen = () => this.opened();
    source.onerror = (event) => {
      // `error` is also the name of one of the seventeen events: that one has data.
      if (event.data === undefined) this.failed(source);
    };
  }

  opened() {
    clearTimeout(this.late);
    this.late = null;
    this.onLine("open");
  }

  failed(source) {
    if (source !== this.source || this.isClosed) return;
    this.late ??= setTimeout(() => this.onLine("lost"), PATIENCE);
    if (source.readyState !== EventSource.CLOSED) return;
    // An answer that is not a stream ends an EventSource for good, and does not say what it was.
    this.askWhy();
    this.retry = setTimeout(() => !this.isClosed && this.connect(), 2000);
  }

  async askWhy() {
    const asked = new AbortController();
    try {
      const answer = await fetch(this.source.url, { signal: asked.signal });
      if (answer.ok) return asked.abort();
      const { error } = await answer.json();
      if (!this.isClosed) this.onLine("refused", { status: answer.status, ...error });
    } catch {
      // A proxy's own page, or no answer: it is tried again.
    }
  }

  take(name, event) {
    if (event.data === undefined || this.isClosed) return;
    const [epoch, number] = split(event.lastEventId);
    const [knownEpoch, known] = split(this.last);
    if (name !== "reset" && epoch === knownEpoch && number <= known) return;
    this.last = event.lastEventId;
    this.waiting.push([name, JSON.parse(event.data)]);
    if (this.isScheduled) return;
    this.isScheduled = true;
    // A hidden tab draws no frames.
    if (document.hidden) setTimeout(() => this.flush(), 250);
    else requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.isScheduled = false;
    const frames = this.waiting;
    this.waiting = [];
    if (!this.isClosed) this.onFrames(newest(frames));
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.late);
    clearTimeout(this.retry);
    this.source.close();
  }
}

function split(id) {
  const dot = id.lastIndexOf(".");
  return [id.slice(0, dot), Number(id.slice(dot + 1))];
}

/** Only the last of several versions of a block matters; nothing before a reset does. */
function newest(frames) {
  const reset = frames.findLastIndex(([name]) => name === "reset");
  const rest = reset > 0 ? frames.slice(reset) : frames;
  return rest.filter(([name, data], at) => {
    const next = rest[at + 1];
    const isBlock = name === "md" && next?.[0] === "md" && data.blocks === undefined;
    return !(isBlock && next[1].answer === data.answer && next[1].block === data.block);
  });
}
