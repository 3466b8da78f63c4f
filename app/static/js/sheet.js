// The phone's result sheet: three stops, two buttons, and dragging its head as a second way. Without scripts it stays at the first
// stop's height and scrolls.
import { announce, say } from "./words.js";

const page = document.querySelector(".search");
const phone = matchMedia("(max-width: 720px)");
const STOPS = [132, 316, Infinity];

const list = () => document.getElementById("list");
const stop = () => Number(page.dataset.stop);

function go(to, { quiet = false } = {}) {
  const next = Math.max(0, Math.min(2, to));
  page.dataset.stop = String(next);
  if (next === 0) list().scrollTop = 0;
  buttons();
  if (!quiet) announce(say(`stop${next}`));
  document.dispatchEvent(new CustomEvent("irm:sheet", { detail: next }));
}

function buttons() {
  for (const button of page.querySelectorAll("[data-sheet]")) {
    const next = stop() + Number(button.dataset.sheet);
    button.disabled = next < 0 || next > 2;
  }
}

function nearest(height) {
  const full = page.clientHeight - 8;
  const far = STOPS.map((at) => Math.abs(Math.min(at, full) - height));
  return far.indexOf(Math.min(...far));
}

/** The sheet follows the finger and settles at the nearest stop. */
function drag(event) {
  const head = event.target.closest("[data-sheet-head]");
  if (!head || !phone.matches || event.target.closest("button, select, a")) return;
  const sheet = list();
  const [from, start] = [event.clientY, sheet.offsetHeight];
  const follow = (move) => { sheet.style.height = `${Math.max(96, start + from - move.clientY)}px`; };
  const settle = (end) => {
    head.removeEventListener("pointermove", follow);
    sheet.style.height = "";
    const pulled = from - end.clientY;
    if (Math.abs(pulled) > 24) go(nearest(start + pulled) === stop() ? stop() + Math.sign(pulled) : nearest(start + pulled));
  };
  head.setPointerCapture(event.pointerId);
  head.addEventListener("pointermove", follow);
  head.addEventListener("pointerup", settle, { once: true });
  head.addEventListener("pointercancel", settle, { once: true });
}

if (page) {
  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sheet]");
    if (button) go(stop() + Number(button.dataset.sheet));
  });
  page.addEventListener("pointerdown", drag);
  page.addEventListener("focusin", (event) => {
    // a row reached by the keyboard must not stay under the edge of the screen
    if (phone.matches && stop() === 0 && event.target.closest(".res, .blank, .listfoot")) go(1, { quiet: true });
  });
  document.addEventListener("irm:open-sheet", () => { if (phone.matches && stop() === 0) go(1); });
  document.addEventListener("irm:results", buttons);
  buttons();
}
