// The planner's page: printing, and a row of the table that points at its county. The page says everything without it.
import { map } from "./map.js";

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/** Every county's path by its adcode, as the map has them now: a finer outline replaces the paths. */
function counties() {
  const found = new Map();
  map.eachLayer((layer) => {
    const adcode = layer.feature?.properties?.adcode;
    if (adcode && layer.getTooltip?.()) found.set(adcode, layer);
  });
  return found;
}

let shown = null;

function point(adcode) {
  shown?.closeTooltip();
  shown?.getElement()?.classList.remove("on");
  shown = adcode ? counties().get(adcode) ?? null : null;
  if (!shown) return;
  shown.getElement()?.classList.add("on");
  shown.bringToFront();
  shown.openTooltip(shown.getCenter());
}

const rows = document.querySelectorAll("tr[data-adcode]");

if (map) {
  for (const row of rows) {
    row.addEventListener("pointerenter", () => point(row.dataset.adcode));
    row.addEventListener("pointerleave", () => point(null));
    row.addEventListener("focusin", () => point(row.dataset.adcode));
    row.addEventListener("focusout", () => point(null));
  }
  map.on("irm:features", ({ name }) => {
    if (name !== "base") return;
    for (const [adcode, layer] of counties()) {
      const row = [...rows].find((one) => one.dataset.adcode === adcode);
      if (!row) continue;
      layer.on("mouseover", () => row.classList.add("on"));
      layer.on("mouseout", () => row.classList.remove("on"));
      layer.on("click", () => row.scrollIntoView({ block: "nearest" }));
    }
  });
}
