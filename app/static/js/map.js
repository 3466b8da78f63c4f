// Behaviour common to every map: it works on the Leaflet map that the page's script has made, and makes none itself.
import { viewPair, write } from "./state.js";
import { say } from "./words.js";

export const irm = window.irm ?? { map: null, rows: [] };
export const map = irm.map;
export const isPhone = () => matchMedia("(max-width: 720px)").matches;
const TIGHT = 8.8;
const NEAR = 12.5;

/** Pixels of the map that boxes lying over it hide on the search page: legend on the desk, need box and sheet on the phone. */
export function hidden() {
  const stop = document.querySelector(".search")?.dataset.stop;
  if (stop === undefined) return { top: 0, bottom: 0, left: 0 };
  if (!isPhone()) return { top: 0, bottom: 0, left: map.getSize().x > 560 ? 180 : 0 };
  const chips = document.querySelector(".found > .chips");
  return stop === "0" ? { top: chips ? 116 : 64, bottom: 132, left: 0 } : { top: 64, bottom: 316, left: 0 };
}

/** Bring these [lat, lng] points into the part of the map that can be seen. */
export function fit(points, most = 11) {
  if (!points.length) return;
  const { top, bottom, left } = hidden();
  const air = map.getSize().x < 560 ? 44 : 64;
  map.fitBounds(L.latLngBounds(points), {
    paddingTopLeft: [left + air, top + 48],
    paddingBottomRight: [air, bottom + (isPhone() ? 64 : 44)],
    maxZoom: most,
    animate: false,
  });
}

/** Bring the map's centre to the middle of what can be seen of it. */
export function recentre() {
  const { top, bottom } = hidden();
  map.panBy([0, (bottom - top) / 2], { animate: false });
}

/** Put `view=zoom,lon,lat` into the address, so that a copied link shows the same map. */
function keepView() {
  write({ view: viewPair(map.getZoom(), map.getCenter()) });
}

/** Show the view named in the address; false when it names none. */
export function recallView() {
  const parts = (new URLSearchParams(location.search).get("view") ?? "").split(",").map(Number);
  if (parts.length !== 3 || !parts.every(Number.isFinite)) return false;
  map.setView([parts[2], parts[1]], parts[0], { animate: false });
  return true;
}

function dress() {
  const box = map.getContainer();
  box.classList.toggle("tight", isPhone() && map.getZoom() < TIGHT);
  box.classList.toggle("near", map.getZoom() >= NEAR);
}

/** On pages that scroll the wheel scrolls the page; with Ctrl it zooms the map. */
function zoomWithCtrl() {
  map.getContainer().addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    map.setZoomAround(map.mouseEventToContainerPoint(event), map.getZoom() + (event.deltaY < 0 ? 0.5 : -0.5));
  }, { passive: false });
}

function placeMe({ lon, lat, label }) {
  const sign = document.createElement("span");
  sign.className = "me";
  sign.append(document.createElement("i"));
  const text = label || say("me");
  if (text) {
    const name = document.createElement("em");
    name.textContent = text;
    sign.append(name);
  }
  const icon = L.divIcon({ className: "spot", iconSize: null, html: sign });
  L.marker([lat, lon], { icon, interactive: false, keyboard: false, pane: "me" }).addTo(map);
}

/** A choropleth shows the whole province, whatever the box's size. */
function showProvince() {
  const inside = (irm.features.base ?? []).filter((feature) => feature.properties.in_province && feature.properties.at);
  if (inside.length) map.fitBounds(L.latLngBounds(inside.map(({ properties: { at } }) => [at[1], at[0]])).pad(0.06), { animate: false });
}

/** True once a person has moved the map by hand, which then must not be moved under them. */
export let movedByHand = false;
export function forgetMove() { movedByHand = false; }

if (map) {
  dress();
  map.on("zoomend", dress);
  if (irm.me) placeMe(irm.me);
  if (Object.keys(irm.values ?? {}).length) {
    map.getContainer().classList.add("valued");
    if (irm.features.base) showProvince();
    else map.once("irm:features", showProvince);
  }
  if (!map.options.scrollWheelZoom && !irm.still) zoomWithCtrl();
  map.on("dragstart", () => { movedByHand = true; });
  map.getContainer().addEventListener("wheel", () => { movedByHand = true; }, { passive: true });
  map.getContainer().addEventListener("keydown", () => { movedByHand = true; });
  map.on("irm:hand", () => { movedByHand = true; });
  if (document.querySelector(".search")) map.on("moveend", () => { if (movedByHand) keepView(); });
  if (document.querySelector(".search") && recallView()) movedByHand = true;
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
}
