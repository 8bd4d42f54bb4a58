// Menus that open at a button, and dialogs.

import { button, h, icon } from "./dom.js";

//: Items that are drawn; the rest is found by typing.
const MOST = 200;
let closeOpen = () => {};

/**
 * A menu at `anchor`. items: [{label, detail, icon, isChosen, isDanger, run}] or "-".
 * options.filter: the label of a search field; options.free: (text) => an item for what was typed.
 */
export function openMenu(anchor, items, { filter = "", free = null, side = "below" } = {}) {
  const wasOpen = anchor.getAttribute("aria-expanded") === "true";
  closeOpen();
  if (wasOpen) return;
  const list = h("div.menu-list", { role: "menu", "aria-label": anchor.ariaLabel ?? "Choices" });
  const field = filter ? h("input", { type: "search", placeholder: filter, "aria-label": filter }) : null;
  const box = h(`div.menu.${side}`, {}, field, list);
  const close = (isBack) => {
    if (!box.isConnected) return;
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    closeOpen = () => {};
    if (isBack) anchor.focus();
  };
  const outside = (event) => {
    if (!box.contains(event.target) && !anchor.contains(event.target)) close(false);
  };
  const draw = () => {
    const wanted = field?.value.trim().toLowerCase() ?? "";
    const found = items.filter((item) => item === "-" || item.label.toLowerCase().includes(wanted));
    if (wanted && free && !found.some((item) => item.label === field.value.trim())) {
      found.push(free(field.value.trim()));
    }
    list.replaceChildren(...found.slice(0, MOST).map((item) => entry(item, close)));
  };
  box.addEventListener("keydown", (event) => keys(event, list, field, close));
  field?.addEventListener("input", draw);
  draw();
  (anchor.closest("dialog") ?? document.querySelector("main")).append(box);
  place(box, anchor, side);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  closeOpen = close;
  (field ?? list.querySelector("[aria-checked=true]") ?? list.querySelector("button"))?.focus();
}

function entry(item, close) {
  if (item === "-") return h("hr", { role: "separator" });
  const isChoice = item.isChosen !== undefined;
  const words = h("span.menu-words", {}, item.label, item.detail ? h("small", {}, item.detail) : null);
  const mark = isChoice && item.isChosen ? icon("check") : null;
  return button(item.isDanger ? "danger" : "item", {
    role: isChoice ? "menuitemradio" : "menuitem",
    "aria-checked": isChoice ? String(item.isChosen) : null,
    tabindex: "-1",
    onclick: () => (close(true), item.run()),
  }, item.icon ? icon(item.icon) : null, words, mark);
}

function keys(event, list, field, close) {
  const all = [...list.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    close(true);
    if (event.key === "Escape") event.preventDefault();
    event.stopPropagation();
  } else if (step) {
    event.preventDefault();
    all.at((at < 0 && step < 0 ? 0 : at) + step - (at + step >= all.length ? all.length : 0))?.focus();
  } else if (event.key === "Enter" && event.target === field) {
    event.preventDefault();
    all[0]?.click();
  }
}

/** Puts the menu next to its button, inside the window. */
function place(box, anchor, side) {
  const at = anchor.getBoundingClientRect();
  const width = box.offsetWidth;
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  if (side === "above") box.style.bottom = `${innerHeight - at.top + 6}px`;
  else box.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - box.offsetHeight - 8))}px`;
}

/**
 * Asks in a dialog; returns a promise: what the field has (true without one), null if cancelled.
 * field: {label, value, type, suffix}; body: an element or text.
 */
export function ask({ title, body = "", action, field = null, isDanger = false }) {
  const input = field ? h("input", {
    id: "dialog-field", type: field.type ?? "text", value: field.value ?? "", min: field.min,
    step: field.step, required: true, autocomplete: "off",
  }) : null;
  const label = field ? h("label", { for: "dialog-field" }, field.label) : null;
  const confirm = h(isDanger ? "button.danger-fill" : "button.fill", { type: "submit" }, action);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" });
  const cancel = button("outline", { onclick: () => dialog.close() }, "Cancel");
  const words = typeof body === "string" && body ? h("p", {}, body) : body || null;
  const form = h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), words, label,
    input, h("div.buttons", {}, cancel, confirm));
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", () => {
      answer = input ? input.value.trim() : true;
    });
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => (dialog.remove(), resolve(answer)));
    dialog.showModal();
    (input ?? confirm).focus();
    input?.select();
  });
}
