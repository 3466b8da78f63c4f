// The need box, the chips' dialogs, and keeping list, map and address in step. The list comes as HTML through htmx; the rows for
// the map ride on it, so the two can never show different answers.
import { announce, say } from "./words.js";
import { forgetMove, isPhone, map } from "./map.js";
import { show } from "./pins.js";

const form = document.getElementById("need-form");
const found = document.getElementById("found");

/** Hang a chip's dialog under its chip, inside the window; on the phone the style sheet puts it at the bottom. */
function hang(dialog) {
  const chip = document.querySelector(`[popovertarget="${CSS.escape(dialog.id)}"]:not([popovertargetaction])`);
  if (!chip || isPhone()) return;
  const list = document.querySelector(".finder").getBoundingClientRect();
  const beside = dialog.matches(".stays") && list.right + dialog.offsetWidth < innerWidth;      // so that the order can be seen to change
  const { left, bottom } = beside ? { left: list.right + 8, bottom: list.top + 8 } : chip.getBoundingClientRect();
  dialog.style.left = `${Math.max(8, Math.min(left, innerWidth - dialog.offsetWidth - 8))}px`;
  dialog.style.top = `${Math.max(8, Math.min(bottom + 6, innerHeight - dialog.offsetHeight - 8))}px`;
}

function opened(event) {
  if (!event.target.matches?.(".pop") || event.newState !== "open") return;
  hang(event.target);
  if (event.target.contains(document.activeElement)) return;       // somebody was quicker
  (event.target.querySelector("[aria-current]") ?? event.target.querySelector("a, input:not([type=hidden]), select, button"))?.focus({ preventScroll: true });
}

function closeDialogs() {
  for (const dialog of document.querySelectorAll(".pop:popover-open:not(.filters, .stays)")) dialog.hidePopover();
}

function extra(name, value) {
  let input = form.querySelector(`input[name="${name}"]`);
  if (!input) {
    input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    form.append(input);
  }
  for (const other of document.querySelectorAll(`input[form="${form.id}"][name="${name}"]`)) other.remove();
  input.value = value;
}

let within = false;        // the focus was in what the answer replaces

/** A keyboard must not fall back to the top of the page because the row it stood on is gone. */
function keepFocus() {
  if (within && (!document.activeElement || document.activeElement === document.body)) document.getElementById("list").focus({ preventScroll: true });
}

/** New rows are in the page: show them on the map, say how many there are. */
function arrived() {
  const list = document.getElementById("list");
  const rows = JSON.parse(list.dataset.pins ?? "[]");
  const area = new URLSearchParams(location.search).has("area");
  found.classList.remove("busy");
  document.getElementById("need-help")?.toggleAttribute("hidden", Boolean(form.elements.need.value.trim()));
  keepFocus();
  if (map) {
    forgetMove();
    document.querySelector("[data-again]").hidden = true;
    show(rows, { move: !area && rows.length > 0 });
  }
  document.dispatchEvent(new CustomEvent("irm:results"));
  document.querySelector(".pop[data-wrong]")?.showPopover();
  announce(list.querySelector("[data-say]")?.innerText ?? "");
}

function failed() {
  found.classList.remove("busy");
  announce(say("failed"));
  const head = document.querySelector("[data-say]");
  if (!head || head.querySelector(".is-stop")) return;
  const line = document.createElement("p");
  line.className = "sm is-stop";
  line.textContent = say("failed");
  head.append(line);
}

/** A changed sentence is a new question: conditions corrected for the old one do not carry over, nor does its place on the map. */
function forgetCorrections() {
  const need = form.elements.need;
  if (need.value.trim() === need.defaultValue.trim()) return;
  for (const input of [...form.elements]) {
    if (input.type === "hidden" && ["fix", "drop", "said", "part", "area", "limit"].includes(input.name)) input.remove();
  }
  need.defaultValue = need.value;
}

/** What is pasted beyond the longest need is cut by the browser without a word: say so. */
function pasted(event) {
  const box = form.elements.need;
  const given = event.clipboardData?.getData("text") ?? "";
  const over = box.value.length - (box.selectionEnd - box.selectionStart) + given.length > box.maxLength;
  let line = form.querySelector("[data-cut]");
  if (!over) { line?.remove(); return; }
  if (!line) {
    line = document.createElement("p");
    line.className = "help is-warn";
    line.dataset.cut = "";
    form.querySelector(".needbox").after(line);
  }
  line.textContent = say("cut", { n: box.maxLength });
  announce(line.textContent);
}

function submitOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
}

if (form && found) {
  document.addEventListener("toggle", opened, true);
  form.elements.need.addEventListener("keydown", submitOnEnter);
  form.elements.need.addEventListener("paste", pasted);
  form.addEventListener("submit", forgetCorrections, true);
  document.addEventListener("change", (event) => { if (event.target.matches("[data-submit-on-change]")) form.requestSubmit(); });
  document.addEventListener("irm:search", (event) => { extra("area", event.detail.area); form.requestSubmit(); });
  document.addEventListener("htmx:beforeRequest", () => { closeDialogs(); found.classList.add("busy"); if (isPhone() && document.activeElement === form.elements.need) form.elements.need.blur(); announce(say("busy")); });
  // a browser leaves a chip that shows a corner where it is
  found.addEventListener("focusin", (event) => { event.target.closest?.(".chips > .chip")?.scrollIntoView({ block: "nearest", inline: "nearest" }); });
  document.addEventListener("htmx:beforeSwap", () => { within = found.contains(document.activeElement); });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target === found) arrived(); });
  for (const kind of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(kind, failed);
}
