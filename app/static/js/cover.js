// Pins that lie under a box over the map rest: what shows too little of itself to be hit is neither focused nor pressed until the map
// moves. Its row in the list is there all the same.
import { map } from "./map.js";

const OVER = ".needbox, .found > .chips, .search .list, .ctl, .padctl:not([hidden]) button, .leg:not([hidden]), .attr, .again:not([hidden]), .follow:not([hidden]), .trouble:not([hidden])";
const LEAST = 24;

/** True when some straight side strip of `box` that `over` leaves free is at least LEAST wide and high. */
function leavesRoom(box, over) {
  const across = Math.min(box.bottom, over.bottom) > Math.max(box.top, over.top) && Math.min(box.right, over.right) > Math.max(box.left, over.left);
  if (!across) return true;
  const wide = box.height >= LEAST && Math.max(over.left - box.left, box.right - over.right) >= LEAST;
  const high = box.width >= LEAST && Math.max(over.top - box.top, box.bottom - over.bottom) >= LEAST;
  return wide || high;
}

function rest() {
  const boxes = [...document.querySelectorAll(OVER)].map((box) => box.getBoundingClientRect());
  const view = map.getContainer().getBoundingClientRect();
  const outside = [
    { left: -1e5, right: view.left, top: -1e5, bottom: 1e5 },
    { left: view.right, right: 1e5, top: -1e5, bottom: 1e5 },
    { left: -1e5, right: 1e5, top: -1e5, bottom: view.top },
    { left: -1e5, right: 1e5, top: view.bottom, bottom: 1e5 },
  ];
  for (const sign of document.querySelectorAll(".spot .pin, .spot .clus, .spot .one, .spot .leaf")) {
    const box = sign.getBoundingClientRect();
    sign.inert = sign !== document.activeElement && ![...boxes, ...outside].every((over) => leavesRoom(box, over));
  }
}

if (map) {
  let due = 0;
  const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(rest); };
  map.on("moveend irm:pins", soon);
  for (const kind of ["irm:results", "irm:sheet", "transitionend"]) document.addEventListener(kind, soon);
  addEventListener("resize", soon);
  soon();
}
