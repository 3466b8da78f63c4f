// The filter panel: it is a plain form, and works without this. Here a change asks at once, and the panel follows what the address says.
import { question } from "./state.js";
import { say } from "./words.js";

const form = document.getElementById("need-form");
const panel = document.getElementById("filters");
const NAMES = ["type", "class", "kind", "level", "region", "own_max", "free", "within", "q", "place"];
let due = 0;

const fields = () => [...(panel?.querySelectorAll("input[name], select[name]") ?? [])];

/** Set every field to what the address says, after a chip took a condition off or "back" was pressed. */
function follow() {
  const said = question();
  for (const field of fields()) {
    if (field.type === "checkbox") field.checked = said.getAll(field.name).includes(field.value);
    else field.value = said.getAll(field.name).find((value) => !value || fits(field, value)) ?? "";
  }
}

function fits(field, value) {
  if (field.tagName === "SELECT") return [...field.options].some((option) => option.value === value);
  const boxes = [...panel.querySelectorAll(`input[type=checkbox][name="${field.name}"]`)];
  return !boxes.some((box) => box.value === value);
}

function counts() {
  const facets = JSON.parse(document.getElementById("list")?.dataset.facets ?? "{}");
  for (const place of panel.querySelectorAll("[data-facet]")) {
    const [name, value] = place.dataset.facet.split(":");
    if (!facets[name]) continue;
    const n = (facets[name][value] ?? 0).toLocaleString("en-US");
    place.textContent = place.dataset.label ? `${place.dataset.label} (${n})` : n;
  }
}

/** Take lon and lat out of the form: the place that they belong to was changed. */
function forgetPoint() {
  for (const input of [...form.elements]) if (["lon", "lat"].includes(input.name)) input.remove();
}

function setPoint({ coords: { longitude, latitude } }) {
  forgetPoint();
  panel.querySelector("[name=place]").value = "";
  for (const [name, value] of [["lon", longitude], ["lat", latitude]]) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value.toFixed(5);
    form.append(input);
  }
  ask();
}

function locate() {
  const note = panel.querySelector("[data-here-note]");
  note.textContent = say("locating");
  navigator.geolocation.getCurrentPosition((found) => { note.textContent = ""; setPoint(found); }, () => { note.textContent = say("no_place"); }, { timeout: 10_000, maximumAge: 300_000 });
}

function total(n) {
  for (const button of panel.querySelectorAll("[data-apply]")) button.textContent = say("see", { n: Number(n).toLocaleString("en-US") });
}

function ask() {
  clearTimeout(due);
  due = setTimeout(() => form.requestSubmit(), 250);
}

/** Fields that say nothing stay out of the address. */
function bare(event) {
  const { formData, parameters } = event.detail;
  if (event.detail.elt !== form) return;
  for (const name of new Set([...NAMES, "need", "sort"])) {
    const said = [...(formData?.getAll(name) ?? [])].filter((value) => value.trim());
    formData?.delete(name);
    for (const value of new Set(said)) formData.append(name, value);
    if (!formData && !parameters[name]) delete parameters[name];
  }
}

if (form && panel) {
  panel.addEventListener("change", (event) => {
    if (event.target.name === "place") forgetPoint();
    ask();
  });
  if ("geolocation" in navigator) {
    const here = panel.querySelector("[data-here]");
    here.hidden = false;
    here.querySelector("button").addEventListener("click", locate);
  }
  panel.addEventListener("toggle", (event) => {
    // the button that opened it has been written anew meanwhile
    const lost = !document.activeElement || document.activeElement === document.body || panel.contains(document.activeElement);
    if (event.newState === "closed" && lost) document.querySelector(".opener")?.focus({ preventScroll: true });
  });
  panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-apply]")) panel.hidePopover();
  });
  document.addEventListener("htmx:configRequest", bare);
  document.addEventListener("irm:results", () => {
    follow();
    counts();
    const head = document.querySelector("[data-total]");
    if (head) total(head.dataset.total);
  });
  document.addEventListener("irm:total", (event) => total(event.detail));
}
