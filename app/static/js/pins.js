// Pins of the ranked rows: a pill with rank and own price. What would lie on top of something better ranked is gathered into a
// counted disc; carriers on one and the same spot fan out. Hovering or focusing a row darkens its pin, and the other way round.
import { fan, fanOut, foldFan, put as putOn } from "./fan.js";
import { write } from "./state.js";
import { announce, say } from "./words.js";
import { fit, irm, isPhone, map, movedByHand, recentre } from "./map.js";

const PRIME = 10;            // so many of the best ranks may claim a pin with a price
const GATHER = 52;           // pixels within which the others are one disc
const SAME_PLACE = 60;       // metres below which zooming in would not part them
const layer = map ? L.layerGroup().addTo(map) : null;
let boxes = [];              // [left, top, right, bottom] in layer pixels: what labels must keep clear of
let chosen = null;

export const obstacles = () => boxes;

const money = (fen) => (fen / 100).toLocaleString("en-US", { maximumFractionDigits: 0 });
const spot = (row) => L.latLng(row.lat, row.lon);
const touch = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
const free = (box) => !boxes.some((other) => touch(box, other));

/** The pin with the room that a thumb needs around it: as the style sheet draws it, an approximate one on its point and not above it. */
function pinBox(point, row, short) {
  const thumb = isPhone() ? 5 : 0;
  const half = short || row.own_fen === null ? 17 + thumb : 32 + money(row.own_fen).length * 4.5;
  const high = row.approximate ? 17 + thumb : 0;
  return [point.x - half, point.y - (high || 40 + thumb), point.x + half, point.y + high];
}

function discBox(point, radius) {
  return [point.x - radius - 4, point.y - radius - 4, point.x + radius + 4, point.y + radius + 4];
}

function pinText(row) {
  const parts = [say(row.own_is_price ? "pin_price" : "pin", { rank: row.rank, label: row.label, own: money(row.own_fen ?? 0) })];
  if (row.late) parts.push(say("late"));
  if (row.approximate) parts.push(say("approx"));
  return parts.join(say("and"));
}

/** What the eye reads on a pin; the ear gets the sentence after it. */
function pinFace(row) {
  const face = document.createElement("span");
  const rank = document.createElement("b");
  rank.textContent = row.rank;
  face.append(rank);
  if (row.own_fen !== null) {
    const price = document.createElement("em");
    price.textContent = `¥${money(row.own_fen)}`;
    face.append(price);
  }
  return face;
}

function whisper(text) {
  const line = document.createElement("span");
  line.className = "vh";
  line.textContent = `${say("and")}${text}`;
  return line;
}

function pinButton(row, short) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = ["pin", row.late && "late", row.approximate && "approx", (short || row.own_fen === null) && "short", row.id === chosen && "on"].filter(Boolean).join(" ");
  button.dataset.id = row.id;
  button.append(pinFace(row), whisper(pinText(row)));
  button.addEventListener("click", () => choose(row.id, { scroll: true, keep: true }));
  button.addEventListener("mouseenter", () => choose(row.id));
  button.addEventListener("focus", () => choose(row.id));
  return button;
}

const put = (latlng, element, { on = layer, above = 0 } = {}) => putOn(latlng, element, { on, above });

function putPin(row, short, where = spot(row), on = layer) {
  const marker = put(where, pinButton(row, short), { on, above: row.id === chosen ? 20000 : 5000 - row.rank });
  marker.row = row.id;
}

function discButton(rows, radius) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "clus";
  button.style.width = `${2 * radius}px`;
  button.style.height = `${2 * radius}px`;
  if (rows.length === 1) return oneMore(button, rows[0]);
  const together = onOneSpot(rows);
  const ranks = rows.slice(0, 6).map((row) => row.rank).join(say("or"));
  button.append(String(rows.length), whisper(say(together ? "fan" : "many", { n: rows.length, ranks })));
  button.dataset.ids = JSON.stringify(rows.map((row) => row.id));
  button.addEventListener("click", () => (together ? unfold(rows, button) : zoomTo(rows)));
  return button;
}

/** A single row that found no room for its pin: "+1", for a bare 1 would read as the first rank. */
function oneMore(button, row) {
  button.append("+1", whisper(pinText(row)));
  button.dataset.ids = JSON.stringify([row.id]);
  button.addEventListener("click", () => {
    choose(row.id, { scroll: true, keep: true });
    layOut();
  });
  return button;
}

function onOneSpot(rows) {
  if (map.getZoom() >= map.getMaxZoom() - 0.1) return true;
  return rows.every((row) => spot(row).distanceTo(spot(rows[0])) < SAME_PLACE);
}

function zoomTo(rows) {
  map.fire("irm:hand");
  const before = map.getZoom();
  fit(rows.map(spot), Math.min(map.getMaxZoom(), before + 3));
  if (map.getZoom() <= before) map.setZoomAround(spot(rows[0]), before + 1);
}

/** The pins of one spot, set around it. */
function unfold(rows, disc) {
  const markers = fanOut(spot(rows[0]), rows.map((row) => pinButton(row, false)), disc);
  markers.forEach((marker, place) => { marker.row = rows[place].id; });
}

/** Greedy by rank: a pin with its price, else only its number, else left over for the discs. */
function setPins(rows, tight) {
  return rows.filter((row, place) => {
    const point = map.latLngToLayerPoint(spot(row));
    for (const short of tight && row.id !== chosen ? [true] : [false, true]) {
      const box = pinBox(point, row, short);
      if (place < PRIME && free(box)) {
        boxes.push(box);
        putPin(row, short);
        return false;
      }
    }
    return true;
  });
}

function gather(rows) {
  const groups = [];
  for (const row of rows) {
    const point = map.latLngToLayerPoint(spot(row));
    const near = groups.find((group) => group.point.distanceTo(point) < GATHER);
    if (near) near.rows.push(row);
    else groups.push({ point, rows: [row] });
  }
  return groups.filter((group) => !joins(group, groups));
}

/** A single row without room for its pin goes to the disc nearby: a disc of one would say nothing. */
function joins(group, groups) {
  if (group.rows.length > 1 || free(pinBox(group.point, group.rows[0], true))) return false;
  const near = groups.find((other) => other !== group && !other.gone && other.point.distanceTo(group.point) < 2 * GATHER);
  if (!near) return false;
  near.rows.push(...group.rows);
  group.gone = true;
  return true;
}

/** The place for a disc: where its rows are, the nearest free side of the pin that stands there, or the nearest free spot of wider and wider rings. */
function besides(point, radius) {
  const step = radius + 30;
  const tries = [[0, 0], [0, radius + 8], [step + 14, -20], [-step - 14, -20], [0, -step - 34], [step, step - 20], [-step, step - 20]];
  for (let ring = 2; ring <= 6; ring += 1) {
    for (let turn = 0; turn < 12; turn += 1) tries.push([Math.cos(turn * Math.PI / 6) * ring * step / 1.5, Math.sin(turn * Math.PI / 6) * ring * step / 1.5]);
  }
  return tries.map((shift) => point.add(shift)).find((place) => free(discBox(place, radius))) ?? point.add([0, radius + 8]);
}

function setDiscs(groups) {
  for (const { rows, point } of groups) {
    const box = pinBox(point, rows[0], true);
    if (rows.length === 1 && free(box)) {
      boxes.push(box);
      putPin(rows[0], true);
      continue;
    }
    const radius = Math.max(isPhone() ? 22 : 0, Math.min(34, (30 + 6 * Math.sqrt(rows.length)) / 2));
    const place = besides(point, radius);
    boxes.push(discBox(place, radius));
    put(map.layerPointToLatLng(place), discButton(rows, radius));
  }
}

/** Which signs of the legend are on the map now. */
function legend() {
  const on = (sign) => Boolean(document.querySelector(`.spot ${sign}`));
  const shown = { pins: irm.rows.length > 0, late: irm.rows.some((row) => row.late), approx: on(".pin.approx"), rough: on(".one.approx, .clus.approx"),
    many: on(".clus[data-ids]"), cells: on(".clus[data-n]"), one: on(".one:not(.approx)"), spread: irm.spread === "gathered", dots: irm.features.carriers?.length > 0 };
  for (const line of document.querySelectorAll(".leg [data-when]")) line.hidden = !shown[line.dataset.when];
  for (const box of document.querySelectorAll(".leg")) box.hidden = !box.querySelector("li:not([hidden])");
}

function layOut() {
  layer.clearLayers();
  foldFan();
  boxes = [];
  if (irm.me) boxes.push(...meBoxes());
  const tight = map.getContainer().classList.contains("tight");
  const first = irm.rows.find((row) => row.id === chosen);
  const order = first ? [first, ...irm.rows.filter((row) => row !== first)] : irm.rows;
  setDiscs(gather(setPins(order, tight)));
  if (chosen) choose(chosen);
  map.fire("irm:pins");
}

function meBoxes() {
  const { x, y } = map.latLngToLayerPoint([irm.me.lat, irm.me.lon]);
  return [[x - 13, y - 13, x + 13, y + 13]];
}

/** Mark a row and its pin as the chosen one; scroll to the row; keep the choice in the address. */
function choose(id, { scroll = false, keep = false } = {}) {
  chosen = id;
  for (const row of document.querySelectorAll(".res")) row.classList.toggle("on", row.dataset.id === id);
  for (const marker of [...layer.getLayers(), ...fan.getLayers()]) {
    const pin = marker.getElement?.()?.querySelector?.(".pin");
    if (pin) {
      pin.classList.toggle("on", marker.row === id);
      marker.setZIndexOffset(marker.row === id ? 20000 : 4000);
    }
  }
  for (const disc of document.querySelectorAll(".clus[data-ids]")) disc.classList.toggle("on", JSON.parse(disc.dataset.ids).includes(id));
  if (scroll) reveal(id);
  if (keep) keepChoice(id);
}

function reveal(id) {
  const row = document.querySelector(`.res[data-id="${CSS.escape(id)}"]`);
  if (isPhone()) document.dispatchEvent(new CustomEvent("irm:open-sheet"));
  row?.scrollIntoView({ block: "nearest" });
  const found = irm.rows.find((one) => one.id === id);
  if (!row && found) location.assign(addressOf(id));
  else if (found) announce(pinText(found));
}

/** The page of an instrument that the list does not show: as its first row leads there, without the place in the list. */
function addressOf(id) {
  const url = new URL(document.querySelector(".res h3 a").href);
  url.pathname = `/instruments/${id}`;
  url.searchParams.delete("seen");
  return url.href;
}

function keepChoice(id) {
  write({ sel: id });
}

/** A pin on a still picture: the place's name, nothing to press. */
function flag(row) {
  const sign = document.createElement("span");
  sign.className = "pin on flag";
  const face = document.createElement("span");
  face.textContent = row.label;
  sign.append(face);
  return sign;
}

/** Show these rows: [{id, rank, lon, lat, own_fen or null, late, approximate, label}], best first. */
export function show(rows, { move = true } = {}) {
  irm.rows = rows.map((row) => ({ ...row, id: String(row.id) }));
  const wanted = new URLSearchParams(location.search).get("sel");
  chosen = (irm.rows.find((row) => row.id === wanted) ?? irm.rows[0])?.id ?? null;
  if (move) bringIntoView();
  layOut();
}

/** The best six and the own place, as far as that is not at the other end of the province. */
export function bringIntoView() {
  const best = irm.rows.filter((row) => !row.approximate).slice(0, 6).map(spot);
  if (irm.me) best.push(L.latLng(irm.me.lat, irm.me.lon));
  fit(best, 11);
}

if (map && document.querySelector(".search")) {
  map.on("zoomend", layOut);
  map.on("irm:features irm:tiles irm:pins", legend);
  const found = document.getElementById("found");
  for (const kind of ["mouseover", "focusin"]) {
    found.addEventListener(kind, (event) => {
      const row = event.target.closest?.(".res:not([data-lon])");
      if (row && row.dataset.id !== chosen) choose(row.dataset.id);
    });
  }
  map.on("resize", () => { if (!movedByHand && irm.rows.length) bringIntoView(); });
  document.addEventListener("irm:sheet", (event) => { if (!movedByHand && irm.rows.length && event.detail < 2) bringIntoView(); });
  if (!irm.rows.length && !movedByHand) recentre();
  show(irm.rows, { move: !movedByHand && irm.rows.length > 0 });
} else if (map) {
  for (const row of irm.rows) put(spot(row), flag(row));
  fit([...irm.rows.map(spot), ...(irm.me ? [L.latLng(irm.me.lat, irm.me.lon)] : [])], map.getZoom());
}

