// Tools over the map. Nothing needs a drag: buttons zoom, move and come home; "search this area" appears only after a move.
import { announce, say } from "./words.js";
import { irm, map } from "./map.js";

const all = (selector) => document.querySelectorAll(selector);
const hand = () => map.fire("irm:hand");

function limits() {
  for (const button of all("[data-zoom]")) {
    const further = map.getZoom() + Number(button.dataset.zoom) * 0.25;
    button.disabled = further > map.getMaxZoom() || further < map.getMinZoom();
  }
}

/** The longest round distance that fits into 110 pixels. */
function scale() {
  const box = document.querySelector("[data-scale]");
  if (!box) return;
  const half = map.getSize().y / 2;
  const metres = map.distance(map.containerPointToLatLng([0, half]), map.containerPointToLatLng([110, half]));
  const km = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((step) => step * 1000 <= metres).pop() ?? 0.05;
  const rule = document.createElement("i");
  rule.style.width = `${Math.round((110 * km * 1000) / metres)}px`;
  box.replaceChildren(say("km", { n: km }), rule);
}

const follows = () => document.querySelector("[data-follow]")?.checked;
let due = 0;

/** After a move by hand: offer to search there, or do so at once for whom has chosen that. */
function offerArea() {
  const again = document.querySelector("[data-again]");
  if (!again) return;
  if (follows()) {
    again.hidden = true;
    clearTimeout(due);
    due = setTimeout(searchRows, 500);
    return;
  }
  if (!again.hidden) return;
  again.hidden = false;
  document.dispatchEvent(new CustomEvent("irm:offer"));
  announce(say("moved"));
}

/** Ranked rows come anew by the form; the list of a view follows by itself. */
function searchRows() {
  if (document.getElementById("list")?.dataset.browse === undefined) searchHere();
}

function searchHere() {
  const bounds = map.getBounds();
  const sides = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  document.querySelector("[data-again]").hidden = true;
  document.dispatchEvent(new CustomEvent("irm:search", { detail: { area: sides.map((side) => side.toFixed(4)).join(",") } }));
}

function goHome() {
  hand();
  map.setView([irm.me.lat, irm.me.lon], Math.max(map.getZoom(), 10.5));
}

function togglePans(button) {
  const pad = document.getElementById("pans");
  pad.hidden = !pad.hidden;
  button.setAttribute("aria-expanded", String(!pad.hidden));
}

if (map) {
  for (const tools of all(".ctl[hidden]")) tools.hidden = false;
  for (const button of all("[data-zoom]")) button.addEventListener("click", () => { hand(); map.setZoom(map.getZoom() + Number(button.dataset.zoom) * 0.5); });
  for (const button of all("[data-pan]")) button.addEventListener("click", () => { hand(); map.panBy(button.dataset.pan.split(",").map(Number)); });
  for (const button of all("[data-pans]")) button.addEventListener("click", () => togglePans(button));
  for (const button of all("[data-home]")) {
    if (irm.me) button.addEventListener("click", goHome);
    else button.hidden = true;
  }
  document.querySelector("[data-again]")?.addEventListener("click", searchHere);
  map.on("zoomend", limits);
  map.on("moveend", scale);
  map.on("dragend irm:hand", offerArea);
  map.getContainer().addEventListener("wheel", offerArea, { passive: true });
  map.getContainer().addEventListener("keydown", (event) => { if (/^Arrow|^[+=-]$/.test(event.key)) offerArea(); });
  limits();
  scale();
}
