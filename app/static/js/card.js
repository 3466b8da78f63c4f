// A small card over the map: what stands on one spot, with the way to each page.
import { map } from "./map.js";
import { say } from "./words.js";

const MOST = 5;
let back = null;

const money = (fen) => `¥${(fen / 100).toLocaleString("en-US", { maximumFractionDigits: 0 })}`;

function text(tag, words, className = "") {
  const element = document.createElement(tag);
  element.textContent = words;
  if (className) element.className = className;
  return element;
}

function line({ id, name, type, carrier, price, approximate, sample }) {
  const item = document.createElement("li");
  const link = text("a", name);
  link.href = `/instruments/${id}`;
  item.append(link);
  const about = [type, carrier, approximate && say("approx")].filter(Boolean).join(" · ");
  item.append(text("span", about, "sub"));
  const end = [price !== undefined && price !== null && price !== "" ? money(Number(price)) : "", sample ? say("sample") : ""].filter(Boolean).join(" · ");
  if (end) item.append(text("span", end, "sub"));
  return item;
}

/** Show instruments [{id, name, type, carrier, price (fen), approximate, sample}] at `latlng`; `more(element)` may add a button. */
export function showCard(latlng, all, { total = all.length, onMore = null, from = null } = {}) {
  const box = document.createElement("div");
  const list = document.createElement("ul");
  list.append(...all.slice(0, MOST).map(line));
  box.append(list);
  const rest = total - Math.min(all.length, MOST);
  if (rest > 0) {
    const button = text(onMore ? "button" : "p", say("rest", { n: rest.toLocaleString("en-US") }), onMore ? "btn two small" : "sub");
    if (onMore) { button.type = "button"; button.addEventListener("click", onMore); }
    box.append(button);
  }
  back = from;
  const popup = L.popup({ className: "card-pop", maxWidth: 280, minWidth: 200, autoPanPaddingTopLeft: [12, 120], autoPanPaddingBottomRight: [60, 40], closeButton: true })
    .setLatLng(latlng).setContent(box).openOn(map);
  const close = popup.getElement().querySelector(".leaflet-popup-close-button");
  close.setAttribute("aria-label", say("close"));
  popup.getElement().setAttribute("aria-label", say("spot"));
  if (from) box.querySelector("a")?.focus({ preventScroll: true });
}

/** The focus goes back to the disc, or to what stands in its place since the map has moved for the card; else to the map. */
function giveBack(disc) {
  const now = disc.isConnected ? disc : document.querySelector(`.spot [data-at="${CSS.escape(disc.dataset.at ?? "")}"]`);
  (now && !now.inert ? now : map.getContainer()).focus({ preventScroll: true });
}

if (map) {
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.closePopup(); });
  map.on("popupclose", ({ popup }) => {
    if (back && popup.getElement()?.contains(document.activeElement)) giveBack(back);
    back = null;
  });
}
