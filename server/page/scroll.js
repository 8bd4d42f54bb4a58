// Scrolling: follows what comes, until the user scrolls up; never moves what the user reads.

import { $ } from "./dom.js";

//: Pixels from the end within which the conversation follows what comes.
const NEAR = 80;
let isFollowing = true;

export function follow() {
  isFollowing = true;
  settle();
}

/** After a change of the conversation's height. */
export function settle() {
  const area = $("scroll");
  const aim = end(area);
  // Never back: in a call that is longer than the window, the user scrolls on to its buttons.
  if (isFollowing && area.scrollTop < aim) area.scrollTop = aim;
  $("newest").hidden = isFollowing || distance(area) < 2 * NEAR || area.scrollTop >= aim;
}

/** Runs `change`, which adds something above: what the user sees stays where it is. */
export function above(change) {
  const area = $("scroll");
  // The browser's own way would add to ours, and not every browser has one.
  area.classList.add("anchored");
  const below = area.scrollHeight - area.scrollTop;
  change();
  area.scrollTop = area.scrollHeight - below;
  area.classList.remove("anchored");
}

/** The end; with calls that wait, no further than the first of them. */
function end(area) {
  const waiting = $("requests").querySelector(".request:not(.decided)");
  return Math.min(area.scrollHeight, waiting ? waiting.offsetTop - 16 : Infinity);
}

function distance(area) {
  return area.scrollHeight - area.scrollTop - area.clientHeight;
}

/** nearTop: runs when the user is about to see the beginning. */
export function listenToScrolling(nearTop) {
  const area = $("scroll");
  let before = 0;
  area.addEventListener("scroll", () => {
    // Growth is no move of the user's: only scrolling up ends the following.
    if (area.scrollTop < before - 2) isFollowing = distance(area) < NEAR;
    else isFollowing ||= distance(area) < NEAR;
    before = area.scrollTop;
    if (before < area.clientHeight) nearTop();
    settle();
  }, { passive: true });
  const sizes = new ResizeObserver(settle);
  for (const id of ["log", "scroll", "requests"]) sizes.observe($(id));
  $("newest").addEventListener("click", follow);
}
