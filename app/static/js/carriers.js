// Before the first need the map shows carriers; their names stand in the list as well, so that nothing is on the map alone.
import { irm, map } from "./map.js";

const MOST = 12;

function line({ name, name_en: english, url }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = url;
  link.textContent = document.documentElement.lang === "en" && english ? english : name;
  item.append(link);
  return item;
}

function list(event) {
  const box = document.getElementById("carriers-in-view");
  if (!box || event.name !== "carriers") return;
  const view = map.getBounds();
  const seen = irm.features.carriers.filter(({ geometry: { coordinates: [lon, lat] } }) => view.contains([lat, lon]));
  box.replaceChildren(...seen.slice(0, MOST).map((feature) => line(feature.properties)));
  box.hidden = seen.length === 0;
}

map?.on("irm:features", list);
