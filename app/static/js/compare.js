// Up to three rows to be compared: what was ticked stays ticked while the list is ordered anew, also where a row has left it.
import { announce, say } from "./words.js";

const MOST = 3;
const found = document.getElementById("found");
const picked = new Map();     // id → name, in the order in which they were ticked

const boxes = () => [...found.querySelectorAll(".cmp input")];

function show() {
  const bar = document.getElementById("compare");
  if (!bar) return;
  for (const box of boxes()) {
    box.checked = picked.has(box.value);
    box.disabled = !box.checked && picked.size >= MOST;
  }
  for (const input of bar.querySelectorAll("input[name=i]")) input.remove();
  const here = new Set(boxes().map((box) => box.value));
  for (const id of picked.keys()) {
    if (here.has(id)) continue;
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = "i";
    input.value = id;
    bar.append(input);
  }
  bar.classList.toggle("on", picked.size > 0);
  bar.querySelector("[data-n]").textContent = picked.size ? ` (${picked.size})` : "";
  bar.querySelector("[data-picked]").textContent = [...picked.values()].join(say("or")) + (picked.size >= MOST ? ` · ${say("enough")}` : "");
}

function tick(event) {
  const box = event.target.closest(".cmp input");
  if (!box) return;
  if (box.checked) picked.set(box.value, box.closest(".res").querySelector("h3 a").textContent);
  else picked.delete(box.value);
  show();
  announce(picked.size ? say("picked", { names: [...picked.values()].join(say("or")) }) : "");
}

function clear(event) {
  if (event.target.id !== "compare") return;
  event.preventDefault();
  picked.clear();
  show();
  document.getElementById("list").focus({ preventScroll: true });
}

if (found) {
  found.addEventListener("change", tick);
  found.addEventListener("reset", clear);
  document.addEventListener("irm:results", show);
  for (const box of boxes()) if (box.checked) picked.set(box.value, box.closest(".res").querySelector("h3 a").textContent);
  show();
}
