// What lies in the view, in numbers: discs with a count, single instruments as dots. The numbers add up to the view's total. What would
// overlap is one disc; its cell is what one sees after pressing it.
import { fan, fanOut, foldFan, put } from "./fan.js";
import { fit, irm, isPhone, map } from "./map.js";
import { announce, say } from "./words.js";
import { showCard } from "./card.js";

const MOST_FAN = 12;
const AIR = 14;             // pixels between two discs: closer, a map is read no more
const MOST_ASK = 20;        // rows that one request lists
const SAME_PLACE = 15;      // metres below which zooming in would not part them
const layer = map ? L.layerGroup().addTo(map) : null;
let shown = [];
let boxes = [];
let ask = async () => [];
let narrow = () => {};

/** Boxes in layer pixels that names must keep clear of. */
export const discBoxes = () => boxes;

/** How to ask for the rows of a box, and how to make the list show a box: the view's business. */
export function connect({ rowsIn, listOnly }) {
  ask = rowsIn;
  narrow = listOnly;
}

const number = (n) => n.toLocaleString("en-US");
const radiusOf = (n) => (n === 1 ? 8 : Math.max(isPhone() ? 22 : 14, Math.min(34, 12 + 2 * Math.log2(n))));

function joined(a, b) {
  const n = a.n + b.n;
  const mean = (name) => (a[name] * a.n + b[name] * b.n) / n;
  const cell = [Math.min(a.cell[0], b.cell[0]), Math.min(a.cell[1], b.cell[1]), Math.max(a.cell[2], b.cell[2]), Math.max(a.cell[3], b.cell[3])];
  return { n, lon: mean("lon"), lat: mean("lat"), cell, id: null, approximate: a.approximate && b.approximate };
}

/** Greedy, largest first: what would touch an earlier disc becomes part of it. No number is lost. */
function gather(clusters) {
  const groups = [];
  for (const one of [...clusters].sort((a, b) => b.n - a.n)) {
    const point = map.latLngToLayerPoint([one.lat, one.lon]);
    const near = groups.find((group) => group.point.distanceTo(point) < radiusOf(group.n) + radiusOf(one.n) + (one.n === 1 ? 2 : AIR));
    if (near) {
      Object.assign(near, joined(near, one));
      near.parts += 1;
    } else groups.push({ ...one, point, parts: 1 });
  }
  return groups;
}

const wide = ([west, south, east, north]) => L.latLng(south, west).distanceTo([north, east]);
const mayBeOneSpot = (group) => map.getZoom() >= map.getMaxZoom() - 0.1 || (group.n <= MOST_ASK && map.getZoom() >= 12) || wide(group.cell) < SAME_PLACE;

/** True when zooming in would not part them. */
function onOneSpot(rows, group) {
  if (map.getZoom() >= map.getMaxZoom() - 0.1) return true;
  return rows.length === group.n && rows.every((row) => L.latLng(row.lat, row.lon).distanceTo([rows[0].lat, rows[0].lon]) < SAME_PLACE);
}

function whisper(words) {
  const line = document.createElement("span");
  line.className = "vh";
  line.textContent = words;
  return line;
}

function discOf(group) {
  const disc = document.createElement("button");
  disc.type = "button";
  disc.dataset.n = group.n;
  const single = group.n === 1;
  disc.className = `${single ? "one" : "clus"}${group.approximate ? " approx" : ""}`;
  if (!single) {
    const size = `${2 * radiusOf(group.n)}px`;
    disc.style.width = size;
    disc.style.height = size;
    disc.append(group.n > 99_999 ? say("large", { wan: Math.round(group.n / 10_000), k: Math.round(group.n / 1000) }) : number(group.n));
  }
  const where = group.approximate ? say("and") + say("approx") : "";
  disc.append(whisper(single ? say("single") + where : `${say("cell_n", { n: number(group.n) })}${where}`));
  disc.addEventListener("click", () => press(group, disc));
  for (const kind of ["mouseenter", "focus"]) disc.addEventListener(kind, () => hint(group.cell));
  for (const kind of ["mouseleave", "blur"]) disc.addEventListener(kind, () => hint(null));
  return disc;
}

/** Mark the rows of the list that lie in a cell. */
function hint(cell) {
  for (const row of document.querySelectorAll(".res[data-lon]")) row.classList.toggle("on", Boolean(cell) && inside(row, cell));
}

const EDGE = 1e-6;
function inside({ dataset: { lon, lat } }, [west, south, east, north]) {
  return lon >= west - EDGE && lon <= east + EDGE && lat >= south - EDGE && lat <= north + EDGE;
}

/** Mark the disc that holds a row of the list. */
export function mark(row) {
  for (const one of shown) one.disc.classList.toggle("on", Boolean(row?.dataset.lon) && one === holder(row));
}

const holder = (row) => shown.filter(({ group }) => inside(row, group.cell)).sort((a, b) => wide(a.group.cell) - wide(b.group.cell))[0];

async function press(group, disc) {
  if (group.n > 1 && !mayBeOneSpot(group)) return zoomInto(group);
  disc.setAttribute("aria-busy", "true");
  const rows = await ask(group.cell);
  disc.removeAttribute("aria-busy");
  if (!rows.length || !disc.isConnected) return;
  if (group.n > 1 && !onOneSpot(rows, group)) return zoomInto(group);
  const at = L.latLng(group.lat, group.lon);
  if (group.n === 1 || group.n > MOST_FAN) showCard(at, rows, { total: group.n, from: disc, onMore: () => { map.closePopup(); narrow(group.cell); } });
  else unfold(at, rows, disc);
}

function unfold(at, rows, disc) {
  fanOut(at, rows.map(leaf), disc);
  announce(say("fanned", { n: rows.length }));
}

/** One of a fan: a short name that leads to its page. */
function leaf(row) {
  const link = document.createElement("a");
  link.className = "leaf";
  link.href = `/instruments/${row.id}`;
  link.textContent = row.name;
  link.title = [row.name, row.type, row.carrier].filter(Boolean).join(" · ");
  return link;
}

function zoomInto({ cell, n, lat, lon }) {
  map.fire("irm:hand");
  const before = map.getZoom();
  fit([[cell[1], cell[0]], [cell[3], cell[2]]], Math.min(map.getMaxZoom(), before + 4));
  if (map.getZoom() < before + 1) map.setView([lat, lon], Math.min(before + 1, map.getMaxZoom()), { animate: false });
  map.getContainer().focus({ preventScroll: true });
  announce(say("zoomed", { n: number(n) }));
}

let last = [];

function layOut() {
  const held = document.activeElement?.closest?.(".clus, .one") ? document.activeElement.dataset.at : null;
  layer.clearLayers();
  foldFan();
  shown = gather(last).map((group) => {
    const disc = discOf(group);
    disc.dataset.at = `${group.lon.toFixed(4)},${group.lat.toFixed(4)}`;
    put([group.lat, group.lon], disc, { on: layer, above: group.n > 1 ? 1000 : 500 });
    return { group, disc };
  });
  boxes = shown.map(({ group }) => {
    const { x, y } = map.latLngToLayerPoint([group.lat, group.lon]);
    const r = radiusOf(group.n) + 2;
    return [x - r, y - r, x + r, y + r];
  });
  if (held) shown.find(({ disc }) => disc.dataset.at === held)?.disc.focus({ preventScroll: true });
  map.fire("irm:pins");
}

/** Show these clusters: [{lon, lat, n, cell [w,s,e,n], id, approximate}]; [] takes them away. */
export function showClusters(clusters) {
  last = clusters;
  layOut();
}

if (map) {
  map.on("zoomend", () => { if (last.length) layOut(); });
  irm.clusters = () => shown.map(({ group: { n, lon, lat, cell } }) => ({ n, lon, lat, cell }));
  irm.fanned = () => fan.getLayers().length > 0;
}
