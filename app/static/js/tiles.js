// Vector tiles on canvas: instruments as spots, and the land of a whole country. maps/remote.py says which; colours come from the style
// sheet, so a change of theme paints anew and asks for nothing. A tile that is no longer needed is neither awaited nor kept.
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { irm, map } from "./map.js";
import { filterQuery, tilesAgree } from "./state.js";

const EDGE = 256;
const REACH = 9;              // pixels around a spot that count as on it; a thumb gets twice as much
const layers = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let ink = {};

function readColours() {
  ink = Object.fromEntries(["pin", "paper", "cluster-ink", "land", "coupon-soft", "county-line", "city-line"].map((name) => [name, colour(`--${name}`)]));
}

/** Spots of a tile: [{x, y (pixels of the world at the tile's zoom), n, properties}]; what lies on one and the same spot is one entry. */
function spotsOf(layer, { x, y }) {
  const found = new Map();
  for (let i = 0; i < layer.length; i += 1) {
    const feature = layer.feature(i);
    for (const [point] of feature.loadGeometry()) {
      const key = `${point.x},${point.y}`;
      const known = found.get(key);
      const n = Number(feature.properties.n ?? 1);
      if (known) {
        known.n += n;
        known.all.push(feature.properties);
      } else {
        const scale = EDGE / layer.extent;
        found.set(key, { x: x * EDGE + point.x * scale, y: y * EDGE + point.y * scale, n, all: [feature.properties], single: feature.properties.id !== undefined });
      }
    }
  }
  return [...found.values()];
}

function areasOf(layer, { x, y }) {
  const scale = EDGE / layer.extent;
  const found = [];
  for (let i = 0; i < layer.length; i += 1) {
    const feature = layer.feature(i);
    const path = new Path2D();
    const middle = { area: 0, x: 0, y: 0 };
    for (const ring of feature.loadGeometry()) {
      ring.forEach((point, place) => (place ? path.lineTo(point.x * scale, point.y * scale) : path.moveTo(point.x * scale, point.y * scale)));
      path.closePath();
      weigh(ring, scale, middle);
    }
    const at = middle.area ? { x: x * EDGE + middle.x / middle.area, y: y * EDGE + middle.y / middle.area, area: Math.abs(middle.area) } : null;
    found.push({ path, properties: feature.properties, at });
  }
  return found;
}

/** Add a ring's area and moments (shoelace formula) to `sum`; holes turn the other way and take away. */
function weigh(ring, scale, sum) {
  for (let i = 1; i < ring.length; i += 1) {
    const [ax, ay, bx, by] = [ring[i - 1].x * scale, ring[i - 1].y * scale, ring[i].x * scale, ring[i].y * scale];
    const cross = (ax * by - bx * ay) / 2;
    sum.area += cross;
    sum.x += (cross * (ax + bx)) / 3;
    sum.y += (cross * (ay + by)) / 3;
  }
}

const radius = (spot) => (spot.single ? (spot.n > 1 ? 5.5 : 4.5) : Math.min(7, 1.5 + 0.55 * Math.log2(1 + spot.n)));

function paintSpot(pen, spot, left, top) {
  const approximate = spot.single && spot.all.every((one) => one.approximate);
  const [x, y, r] = [spot.x - left, spot.y - top, radius(spot)];
  pen.beginPath();
  if (approximate) pen.rect(x - r, y - r, 2 * r, 2 * r);
  else pen.arc(x, y, r, 0, 2 * Math.PI);
  pen.globalAlpha = spot.single ? 1 : 0.3;
  pen.fillStyle = approximate ? ink.paper : ink[spot.single ? "pin" : "cluster-ink"];
  pen.fill();
  if (!spot.single) return;
  pen.setLineDash(approximate ? [3, 2] : []);
  pen.lineWidth = 1.5;
  pen.strokeStyle = approximate ? ink.pin : ink.paper;
  pen.stroke();
}

const LINES = [["county", "county-line", 0.75], ["city", "city-line", 1], ["province", "city-line", 1.75]];

const isHome = ({ adcode }) => Boolean(irm.home) && String(adcode).startsWith(irm.home.replace(/(0000|00)$/, ""));

/** First all land, then the lines from thin to thick: a city lies over its counties. */
function paintAreas(pen, areas) {
  pen.fillStyle = ink.land;
  for (const { path } of areas) pen.fill(path);
  pen.fillStyle = ink["coupon-soft"];
  for (const { path, properties } of areas) if (properties.level === "county" && isHome(properties)) pen.fill(path);
  pen.lineJoin = "round";
  for (const [level, line, width] of LINES) {
    pen.strokeStyle = ink[line];
    pen.lineWidth = width;
    for (const { path, properties } of areas) if (properties.level === level) pen.stroke(path);
  }
}

function paint(canvas) {
  const { content, coords, ratio, kind } = canvas.irm;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, EDGE, EDGE);
  if (!content) return;
  if (kind === "regions") paintAreas(pen, content);
  else for (const spot of content) paintSpot(pen, spot, coords.x * EDGE, coords.y * EDGE);
}

async function fetchTile(url, signal) {
  const answer = await fetch(url, { signal, credentials: "same-origin", priority: "low" });
  if (answer.status === 204) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}

const Tiles = L.GridLayer.extend({
  createTile(coords, done) {
    const canvas = document.createElement("canvas");
    const ratio = Math.min(2, devicePixelRatio || 1);
    canvas.width = canvas.height = EDGE * ratio;
    const stop = new AbortController();
    canvas.irm = { coords, ratio, kind: this.options.spec.kind, content: null, stop };
    this.fill(canvas, coords, stop.signal).then(() => done(null, canvas), (error) => { if (error.name !== "AbortError") done(error, canvas); });
    return canvas;
  },

  async fill(canvas, coords, signal) {
    const { spec } = this.options;
    const query = spec.filtered ? filterQuery() : "";
    const body = await fetchTile(L.Util.template(spec.url, { x: coords.x, y: coords.y, z: coords.z }) + (query && `?${query}`), signal);
    const layer = body?.byteLength ? new VectorTile(new PbfReader(body)).layers[spec.layer] : null;
    if (signal.aborted) return;
    canvas.irm.content = layer ? (spec.kind === "regions" ? areasOf(layer, coords) : spotsOf(layer, coords)) : null;
    paint(canvas);
  },

  canvases() {
    return Object.values(this._tiles ?? {}).filter((tile) => tile.current).map((tile) => tile.el);
  },
});

function forget({ tile }) {
  tile.irm.stop.abort();
  tile.irm.content = null;
  tile.width = tile.height = 0;     // gives the canvas's memory back at once
}

function add(spec) {
  const layer = new Tiles({
    spec, pane: spec.pane, tileSize: EDGE, minZoom: spec.minZoom, maxNativeZoom: spec.maxNativeZoom, keepBuffer: 1, updateWhenIdle: true, updateWhenZooming: false,
    bounds: map.options.maxBounds,
  });
  layer.on("tileunload", forget);
  layer.on("load", () => {
    irm.spread = spotsShown();
    map.fire("irm:tiles", { name: spec.name });
  });
  if (!spec.filtered) layer.addTo(map);
  layers.push(layer);
}

/** Single instruments under a point of the map: their properties, nearest spot first, [] where tiles gather or nothing is near. */
export function under(latlng, thumb = false) {
  for (const layer of layers.filter(({ options: { spec } }) => spec.kind === "spots").filter((layer) => map.hasLayer(layer))) {
    const zoom = layer._tileZoom;
    if (zoom === undefined) continue;
    const at = map.project(latlng, zoom);
    const reach = ((thumb ? 2 : 1) * REACH) / map.getZoomScale(map.getZoom(), zoom);
    const near = layer.canvases().flatMap((canvas) => canvas.irm.content ?? []).filter((spot) => spot.single && Math.hypot(spot.x - at.x, spot.y - at.y) <= reach);
    if (!near.length) return null;
    const best = near.reduce((a, b) => (Math.hypot(a.x - at.x, a.y - at.y) <= Math.hypot(b.x - at.x, b.y - at.y) ? a : b));
    return { at: map.unproject([best.x, best.y], zoom), all: [...new Map(best.all.map((one) => [one.id, one])).values()] };
  }
  return null;
}

/** Names of the regions on tiles: [{name, name_en, level, at [lon, lat]: the middle of what can be seen of it, room (square pixels)}]. */
export function regionNames() {
  const found = new Map();
  for (const layer of layers.filter(({ options: { spec } }) => spec.kind === "regions")) {
    for (const { at, properties } of layer.canvases().flatMap((canvas) => canvas.irm.content ?? [])) {
      if (!at) continue;
      const sum = found.get(properties.adcode) ?? { properties, area: 0, x: 0, y: 0, layer };
      sum.area += at.area;
      sum.x += at.x * at.area;
      sum.y += at.y * at.area;
      found.set(properties.adcode, sum);
    }
  }
  return [...found.values()].map(({ properties, area, x, y, layer }) => {
    const { lng, lat } = map.unproject([x / area, y / area], layer._tileZoom);
    return { ...properties, at: [lng, lat], room: area };
  });
}

/** What the spots on the map are: "gathered", "single" or "" for none. */
function spotsShown() {
  const all = layers.filter(({ options: { spec } }) => spec.kind === "spots").flatMap((layer) => layer.canvases()).flatMap((canvas) => canvas.irm.content ?? []);
  return all.length ? (all.some((spot) => spot.single) ? "single" : "gathered") : "";
}

let filtered = "";

/** Beside ranked pins the spots of everything else would only be noise; and spots never show what the numbers leave out. */
function showOrHide() {
  const browse = document.getElementById("list")?.dataset.browse !== undefined && tilesAgree();
  for (const layer of layers.filter(({ options: { spec } }) => spec.filtered)) {
    if (browse && !map.hasLayer(layer)) layer.addTo(map);
    if (!browse && map.hasLayer(layer)) layer.remove();
  }
  if (!browse) irm.spread = "";
}

/** Other filters, other tiles. Leaflet's own redraw() asks for tiles of a broken zoom when the map stands between two. */
function refilter() {
  showOrHide();
  if (filterQuery() === filtered) return;
  filtered = filterQuery();
  for (const layer of layers.filter((one) => one.options.spec.filtered && map.hasLayer(one))) {
    layer._invalidateAll();
    layer._resetView();
  }
}

function repaint() {
  readColours();
  for (const layer of layers) layer.canvases().forEach(paint);
}

if (map) {
  readColours();
  filtered = filterQuery();
  // after this turn: the one request for numbers and list goes first, and a browser sends only a few at a time
  setTimeout(() => { irm.tiles.forEach(add); showOrHide(); });
  document.addEventListener("irm:filters", refilter);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}
