// Keeps the numbers on the map true to what can be seen: one request a view, for clusters, counts and list together. The list changes only
// when one asks for it, by "search this area" or by having chosen "search as I move". A request that is overtaken is given up.
import { announce, say } from "./words.js";
import { irm, map, movedByHand, recallView } from "./map.js";
import { connect, mark, showClusters } from "./clusters.js";
import { showCard } from "./card.js";
import { boxOf, question, viewAddress, viewPair, write } from "./state.js";
import { under } from "./tiles.js";

const PAUSE = 180;           // milliseconds of rest before a view is asked for
const PATIENCE = 15_000;
const again = document.querySelector("[data-again]");
const follow = document.querySelector("[data-follow]");
const trouble = document.querySelector("[data-trouble]");
let running = null;
let asked = "";
let held = null;             // the newest answer: {area, total, clusters, list, …}
let due = 0;

const list = () => document.getElementById("list");
export const browsing = () => list()?.dataset.browse !== undefined;
const number = (n) => Number(n).toLocaleString("en-US");
const area = () => boxOf(map.getBounds());

function parse(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

async function get(url, signal) {
  const answer = await fetch(url, { signal, credentials: "same-origin", priority: "high", headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** Ask for the present view; the one that is still under way is given up. */
async function refresh({ take = false, push = false } = {}) {
  if (!map || !browsing() || !map.getSize().x) return;
  const box = area();
  const url = viewAddress(box, map.getZoom(), map.getCenter());
  if (url === asked && !take) return;
  asked = url;
  running?.abort();
  const own = running = new AbortController();
  const slow = setTimeout(() => document.querySelector(".mapbox").classList.add("asking"), 400);
  const late = setTimeout(() => own.abort("late"), PATIENCE);
  try {
    const answer = await get(url, own.signal);
    if (own !== running) return;
    held = { ...answer, area: box };
    showClusters(answer.clusters);
    calm();
    if (take || follow?.checked && movedByHand) takeList({ push });
    else if (!again.hidden) offer();
    map.fire("irm:view", { total: answer.total });
  } catch {
    if (own === running) worry();
  } finally {
    clearTimeout(slow);
    clearTimeout(late);
    if (own === running) {
      running = null;
      document.querySelector(".mapbox").classList.remove("asking");
    }
  }
}

function soon() {
  clearTimeout(due);
  due = setTimeout(() => { due = 0; refresh(); }, PAUSE);
}

function worry() {
  asked = "";
  if (!trouble.hidden) return;
  trouble.hidden = false;
  announce(trouble.querySelector("p").textContent);
}

function calm() {
  trouble.hidden = true;
}

/** The button names what it would show. */
function offer() {
  again.querySelector("[data-count]").textContent = held && held.area === area() ? say("count", { n: number(held.total) }) : "";
}

/** Make the list show what the map shows. */
function takeList({ push = false } = {}) {
  write({ area: held.area, view: viewPair(map.getZoom(), map.getCenter()), cursor: null }, { push });
  fill(held);
  again.hidden = true;
}

function fill({ total, shown, list: html, next, export: files }) {
  const box = list();
  const rows = box.querySelector("[data-rows]");
  rows.replaceChildren(...parse(html));
  const head = box.querySelector("[data-say] h2");
  head.textContent = say(total ? "here" : "none_here", { n: number(total) });
  head.dataset.total = total;
  box.querySelector("[data-none]").hidden = total > 0;
  box.querySelector("[data-far]")?.setAttribute("hidden", "");
  more(box, next, total - shown);
  for (const [name, url] of Object.entries(files ?? {})) for (const link of box.querySelectorAll(`[data-export="${name}"]`)) link.href = url;
  box.scrollTop = 0;
  announce(head.textContent);
  document.dispatchEvent(new CustomEvent("irm:total", { detail: total }));
}

function more(box, next, left) {
  const link = box.querySelector("[data-more]");
  link.hidden = !next;
  if (!next) return;
  link.dataset.cursor = next;
  const url = new URL(location.href);
  url.searchParams.set("cursor", next);
  link.href = url.href;
  if (left > 0) link.querySelector("[data-left]").textContent = number(left);
}

/** More rows at the end of the list; the focus goes to the first new one. */
async function extend(event) {
  const link = event.target.closest("[data-more]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  try {
    const box = question().get("area");
    const answer = await get(viewAddress(box, map.getZoom(), map.getCenter(), { cursor: link.dataset.cursor }));
    const rows = parse(answer.list).filter((node) => node.nodeType === Node.ELEMENT_NODE);
    const here = list().querySelector("[data-rows]");
    here.append(...rows);
    more(list(), answer.next, answer.total - here.children.length);
    rows[0]?.querySelector("a")?.focus();
  } catch {
    worry();
  }
  link.removeAttribute("aria-busy");
}

function rowOf(element) {
  const { id, lon, lat, name, type, carrier, price, approximate, sample } = element.dataset;
  return { id, lon, lat, name, type, carrier, price, approximate: approximate !== undefined, sample: sample !== undefined };
}

/** Rows of a cell, as the list would show them; [] when they cannot be had. */
async function rowsIn([west, south, east, north]) {
  const edge = 2e-5;
  const box = [west - edge, south - edge, east + edge, north + edge].map((side) => side.toFixed(5)).join(",");
  try {
    const answer = await get(viewAddress(box, map.getMaxZoom(), map.getCenter()));
    return parse(answer.list).filter((node) => node.matches?.("[data-id]")).map(rowOf);
  } catch {
    worry();
    return [];
  }
}

/** The list shows one cell only; the map stays. */
async function listOnly([west, south, east, north]) {
  const edge = 2e-5;
  const box = [west - edge, south - edge, east + edge, north + edge].map((side) => side.toFixed(5)).join(",");
  try {
    const answer = await get(viewAddress(box, map.getZoom(), map.getCenter()));
    write({ area: box, cursor: null }, { push: true });
    fill(answer);
    document.dispatchEvent(new CustomEvent("irm:open-sheet"));
  } catch {
    worry();
  }
}

function searchHere(event) {
  if (!browsing()) return;
  event.stopImmediatePropagation();
  if (held?.area === area()) takeList({ push: true });
  else refresh({ take: true, push: true });
}

/** "Back" and "forward" between areas: the page as the address says it. Steps that htmx made it takes back itself. */
function recall(event) {
  if (event.state?.htmx) return;
  recallView();
  window.htmx.ajax("GET", location.pathname + location.search, { target: "#found" });
}

function pointAt(event) {
  const found = under(event.latlng, event.originalEvent?.pointerType === "touch");
  if (found) showCard(found.at, found.all);
}

let felt = 0;

/** The hand over a dot says that it can be pressed. */
function feel({ latlng }) {
  cancelAnimationFrame(felt);
  felt = requestAnimationFrame(() => map.getContainer().classList.toggle("over", Boolean(under(latlng))));
}

function keepFollow() {
  try {
    localStorage.setItem("follow", follow.checked ? "yes" : "");
  } catch { /* storage is closed: the choice lasts for this page */ }
  if (follow.checked && !again.hidden) document.dispatchEvent(new CustomEvent("irm:search", { detail: { area: area() } }));
}

function recallFollow() {
  try {
    follow.checked = localStorage.getItem("follow") === "yes";
  } catch { /* storage is closed */ }
}

if (map && document.querySelector(".search")) {
  connect({ rowsIn, listOnly });
  map.on("moveend", soon);
  map.on("resize", soon);
  map.on("click", pointAt);
  map.on("mousemove", feel);
  if (follow) {
    recallFollow();
    follow.addEventListener("change", keepFollow);
    follow.closest("[hidden]")?.removeAttribute("hidden");
  }
  document.addEventListener("irm:search", searchHere, true);
  document.addEventListener("irm:results", () => {
    document.dispatchEvent(new CustomEvent("irm:filters"));
    if (browsing()) refresh();
    else { running?.abort(); running = held = null; asked = ""; showClusters([]); calm(); }
  });
  document.addEventListener("click", extend);
  document.addEventListener("irm:offer", offer);
  trouble.querySelector("button").addEventListener("click", () => { calm(); refresh({ take: !again.hidden && follow?.checked }); });
  const found = document.getElementById("found");
  for (const kind of ["mouseover", "focusin"]) found.addEventListener(kind, (event) => mark(event.target.closest?.(".res[data-lon]")));
  for (const kind of ["mouseleave", "focusout"]) found.addEventListener(kind, () => mark(null));
  addEventListener("popstate", recall);
  irm.idle = () => !due && !running && !document.querySelector(".htmx-request");
  refresh();
}
