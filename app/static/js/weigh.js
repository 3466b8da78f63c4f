// The sliders of the weights: moving one asks at once. They stand outside of what the answer replaces, so the focus stays on the slider.
import { say } from "./words.js";

const PAUSE = 250;           // milliseconds of rest before a moved slider asks
const form = document.querySelector("[data-weights]");
const need = document.getElementById("need-form");
let due = 0;
let first = "";
let moved = false;           // the answer under way is that of a moved slider

const sliders = () => [...form.querySelectorAll("input[type=range]")];
const firstName = () => document.querySelector(".res h3 a")?.textContent ?? "";

/** What the sliders say as the address has it; "" while all stand where they usually do. */
function written() {
  const off = sliders().filter((one) => one.value !== one.dataset.usual);
  return off.map((one) => `${one.name.replace("w.", "")}:${Number(one.value)}`).join(",");
}

function show(one) {
  one.parentElement.querySelector("output").textContent = one.value;
}

function ask() {
  for (const other of document.querySelectorAll(`input[form="${need.id}"][name="w"], #${need.id} input[name="w"]`)) other.remove();
  const said = written();
  if (said) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = "w";
    input.value = said;
    need.append(input);
  }
  first = firstName();
  moved = true;
  need.requestSubmit();
}

function soon() {
  clearTimeout(due);
  due = setTimeout(ask, PAUSE);
}

function step(event) {
  const by = event.target.closest("[data-step]");
  if (!by) return;
  const one = by.parentElement.querySelector("input");
  one.value = Number(one.value) + Number(by.dataset.step);
  show(one);
  soon();
}

function reset(event) {
  if (!event.target.closest("[data-reset]")) return;
  event.preventDefault();
  for (const one of sliders()) {
    one.value = one.dataset.usual;
    show(one);
  }
  soon();
}

/** After an answer: who leads now, or, after "back" or a link, what the address says. */
function arrived() {
  for (const input of need.querySelectorAll("input[name=w]")) input.remove();       // the list brings its own
  if (moved) {
    const now = firstName();
    form.querySelector("[data-first]").textContent = now ? say(now === first ? "same_first" : "first", { name: now }) : "";
    moved = false;
    return;
  }
  const said = Object.fromEntries((new URLSearchParams(location.search).get("w") ?? "").split(",").map((pair) => pair.split(":")));
  for (const one of sliders()) {
    one.value = said[one.name.replace("w.", "")] ?? one.dataset.usual;
    show(one);
  }
  form.querySelector("[data-first]").textContent = "";
}

if (form && need) {
  form.addEventListener("input", (event) => { if (event.target.type === "range") { show(event.target); soon(); } });
  form.addEventListener("click", step);
  form.addEventListener("click", reset);
  form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  document.addEventListener("irm:results", arrived);
}
