// Signs on the map, and setting several that share one spot around it, in reach of mouse, thumb and keyboard.
import { map } from "./map.js";

export const fan = map ? L.layerGroup().addTo(map) : null;
let origin = null;

/** Put an element on the map. It keeps its own clicks. */
export function put(latlng, element, { on, above = 0 }) {
  L.DomEvent.disableClickPropagation(element);
  const icon = L.divIcon({ className: "spot", iconSize: null, html: element });
  return L.marker(latlng, { icon, interactive: false, keyboard: false, zIndexOffset: above }).addTo(on);
}

/** Places around `latlng` for so many signs of about 84 × 46 pixels: an ellipse, wide enough that no two touch, its middle free. */
function placesAround(latlng, count) {
  const centre = map.latLngToLayerPoint(latlng);
  const wide = Math.max(92, (count * 84) / (2 * Math.PI));
  const high = Math.max(66, (count * 46) / (2 * Math.PI));
  return Array.from({ length: count }, (_, place) => {
    const angle = (2 * Math.PI * place) / count - Math.PI / 2;
    return map.layerPointToLatLng(centre.add([wide * Math.cos(angle), high * Math.sin(angle) + 16]));
  });
}

const signs = () => fan.getLayers().filter((one) => one.getElement?.()?.matches?.(".spot")).map((one) => one.getElement().firstElementChild);

/** Arrow keys go round, Escape folds and gives the focus back. */
function steer(event) {
  const all = signs();
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  all[(all.indexOf(event.currentTarget) + step + all.length) % all.length].focus({ preventScroll: true });
}

/** Set `elements` around `latlng`, with a leg each; the disc they come from steps aside. Returns their markers. */
export function fanOut(latlng, elements, disc) {
  foldFan();
  origin = disc;
  disc.hidden = true;
  const markers = placesAround(latlng, elements.length).map((where, place) => {
    L.polyline([latlng, where], { className: "fan-leg", pane: "rings", interactive: false }).addTo(fan);
    elements[place].addEventListener("keydown", steer);
    return put(where, elements[place], { on: fan, above: 9000 });
  });
  elements[0]?.focus({ preventScroll: true });
  return markers;
}

export function foldFan({ refocus = false } = {}) {
  fan.clearLayers();
  if (origin) origin.hidden = false;
  if (refocus) origin?.focus({ preventScroll: true });
  origin = null;
}

if (map) {
  map.on("click zoomstart", () => foldFan());
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && origin) foldFan({ refocus: true }); });
}
