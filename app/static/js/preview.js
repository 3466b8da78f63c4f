// The map of what would be imported: a dot for each place, its row and name under the pointer.
import { irm, map } from "./map.js";

/** Text in an element: a name out of a file is never read as HTML. */
function label(text) {
  const line = document.createElement("span");
  line.textContent = text;
  return line;
}

if (map && irm.would?.length) {
  for (const row of irm.would) {
    const dot = L.circleMarker([row.lat, row.lon], { radius: 7, className: row.approximate ? "would approx" : "would", keyboard: false });
    dot.bindTooltip(label(row.label), { className: "map-tip", direction: "top" }).addTo(map);
  }
  map.fitBounds(L.latLngBounds(irm.would.map((row) => [row.lat, row.lon])), { maxZoom: 11, padding: [40, 40], animate: false });
}
