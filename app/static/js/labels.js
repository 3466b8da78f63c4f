// Names on the map: greedy placement in the order of weight (cities, rings, waters, counties); a name that would touch a pin,
// a disc or an earlier name is left away. The list and the legend say everything without them.
import { irm, map } from "./map.js";
import { discBoxes } from "./clusters.js";
import { obstacles as pinBoxes } from "./pins.js";
import { regionNames } from "./tiles.js";
import { say } from "./words.js";

const COUNTIES_FROM = 9.3;
const CITIES_TO = 11.2;
const english = document.documentElement.lang === "en";
const made = new Map();
const obstacles = () => [...pinBoxes(), ...discBoxes()];

const word = (properties) => (english ? properties.name_en || properties.name : properties.name);
const centre = (feature) => feature.properties.at ?? (feature.geometry.type === "Point" ? feature.geometry.coordinates : null);

function cityName(properties) {
  return english ? word(properties) : properties.name.replace(/市$/, "");
}

function element(text, kind) {
  const key = `${kind}\u0000${text}`;
  if (!made.has(key)) {
    const label = document.createElement("span");
    label.className = `lab ${kind} off`;
    label.textContent = text;
    label.setAttribute("aria-hidden", "true");
    map.getPane("names").append(label);
    made.set(key, label);
  }
  return made.get(key);
}

/** Of a whole country the names come from its tiles: provinces from afar, then cities, then counties, each where it has room. */
function tileLabels(zoom) {
  const named = regionNames().filter((r) => r.room > 1200);
  const of = (level) => named.filter((r) => r.level === level).sort((a, b) => b.room - a.room);
  const provinces = zoom < 6 ? of("province") : [];
  const cities = zoom >= 6 && zoom <= CITIES_TO ? of("city") : [];
  return {
    cities: [...provinces, ...cities].map((r) => ({ text: cityName({ ...r, name: r.name.replace(/(省|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$/, "") }), kind: "city", at: r.at })),
    counties: zoom < COUNTIES_FROM ? [] : of("county").map((r) => ({ text: word(r), kind: "county", at: r.at })),
    provinces: [],
  };
}

function regionLabels(zoom) {
  if (!irm.features.base && irm.tiles.some(({ kind }) => kind === "regions")) return tileLabels(zoom);
  const regions = (irm.features.base ?? []).map((feature) => ({ ...feature.properties, at: centre(feature), shape: feature.geometry }));
  const cities = zoom > CITIES_TO ? [] : regions.filter((r) => r.in_province && r.level === "city");
  const counties = zoom < COUNTIES_FROM ? [] : regions.filter((r) => r.in_province && r.level === "county");
  const provinces = regions.filter((r) => !r.in_province && r.level === "province");
  return {
    cities: cities.map((r) => ({ text: cityName(r), kind: "city", at: r.at })),
    counties: counties.map((r) => ({ text: word(r), kind: "county", at: r.at })),
    provinces: provinces.map((r) => ({ text: word(r).replace(/[省市]$/, ""), kind: "out", at: inSight(r) })),
  };
}

/** A point of a neighbour that lies in the view, well off its edge: its own centre is usually far away. */
function inSight({ at, shape }) {
  const view = map.getBounds().pad(-0.06);
  if (!at || view.contains([at[1], at[0]])) return at;
  const rings = outlines(shape);
  const lakes = (irm.features.waters ?? []).filter((water) => water.geometry.type.endsWith("Polygon")).flatMap((water) => outlines(water.geometry));
  let best = null;
  for (let column = 0; column < 9; column += 1) {
    for (let line = 0; line < 7; line += 1) {
      const point = [view.getWest() + ((view.getEast() - view.getWest()) * column) / 8, view.getSouth() + ((view.getNorth() - view.getSouth()) * line) / 6];
      const room = Math.min(column, 8 - column) + Math.min(line, 6 - line);
      if (best && room <= best.room) continue;
      if (rings.some((ring) => within(point, ring)) && !lakes.some((ring) => within(point, ring))) best = { point, room };
    }
  }
  return best?.point ?? null;
}

const outlines = (shape) => (shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates).map((part) => part[0]);

/** Even-odd rule: is the point inside the ring? */
function within([x, y], ring) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
    const [xi, yi] = ring[i];
    const [xj, yj] = ring[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

function wanted() {
  const zoom = map.getZoom();
  const { cities, counties, provinces } = regionLabels(zoom);
  const rings = zoom < 8.6 ? [] : irm.rings.map((ring) => ({ text: say("km", { n: ring.km }), kind: "ring", at: [ring.lon, ring.lat] }));
  const waters = (irm.features.waters ?? []).filter((f) => f.properties.name && centre(f)).map((f) => ({ text: word(f.properties), kind: "water", at: centre(f) }));
  return [...cities, ...rings, ...waters, ...provinces, ...counties].filter((label) => label.at);
}

/** Sides to try for a name: on its point, then around it; counties are left away rather than shifted far. */
const shifts = { city: [[0, 0], [0, -22], [0, 24], [0, -34], [0, 36], [44, 0], [-44, 0], [44, -24], [-44, -24], [44, 26], [-44, 26]], county: [[0, 0], [0, -14], [0, 14], [46, 0], [-46, 0], [0, -34], [0, 34]] };

/** Among discs a name that went far would stand on another's land: it stays near or away. */
const near = [[0, 0], [0, -18], [0, 20]];

function place(label, used) {
  const sign = element(label.text, label.kind);
  const point = map.latLngToLayerPoint([label.at[1], label.at[0]]);
  const [width, height] = [sign.offsetWidth, sign.offsetHeight];
  for (const [dx, dy] of (discBoxes().length && shifts[label.kind] ? near : shifts[label.kind]) ?? [[0, 0]]) {
    const left = Math.round(point.x + dx - width / 2);
    const top = Math.round(point.y + dy - height / 2);
    const box = [left, top, left + width, top + height];
    if (!used.some((o) => box[0] < o[2] + 3 && box[2] > o[0] - 3 && box[1] < o[3] + 2 && box[3] > o[1] - 2)) {
      used.push(box);
      L.DomUtil.setPosition(sign, L.point(left, top));
      return sign;
    }
  }
  return null;
}

/** Put the name of the own place where no pin stands: right of it, else left, else nowhere. Returns the box it takes. */
function nameplate() {
  const sign = document.querySelector(".me em")?.parentElement;
  if (!irm.me || !sign) return [];
  const { x, y } = map.latLngToLayerPoint([irm.me.lat, irm.me.lon]);
  const width = sign.querySelector("em").offsetWidth || 70;
  const sides = { right: [x + 16, y - 12, x + 20 + width, y + 12], left: [x - 20 - width, y - 12, x - 16, y + 12] };
  const side = Object.keys(sides).find((name) => !obstacles().some((o) => touch(sides[name], o)));
  sign.classList.toggle("left", side === "left");
  sign.classList.toggle("bare", !side);
  return side ? [sides[side]] : [];
}

const touch = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

function layOut() {
  const used = [...obstacles(), ...nameplate()];
  const shown = new Set(wanted().map((label) => place(label, used)));
  for (const sign of made.values()) sign.classList.toggle("off", !shown.has(sign));
}

let queued = false;
function soon() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => { queued = false; layOut(); });
}

if (map) {
  map.on("moveend irm:features irm:pins irm:tiles", soon);
  map.on("zoomstart", () => { for (const sign of made.values()) sign.classList.add("off"); });
  soon();
}
