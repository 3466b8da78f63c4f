// What the address says. It is the one place where filters, area and view are kept, so a copied link shows the same and "back" works.
const OWN = ["view", "sel", "cursor", "lang"];     // pairs that are the browser's, not the question's
const ON_TILES = ["type", "class", "kind", "level"];       // what tiles can be filtered by
const BEYOND_TILES = ["region", "own_max", "free", "within", "q"];

/** Pairs of the question: everything but what is the browser's own. */
export function question() {
  const pairs = new URLSearchParams(location.search);
  for (const name of OWN) pairs.delete(name);
  return pairs;
}

/** The filters that tiles know, as a query. */
export function filterQuery() {
  const pairs = [...question()].filter(([name, value]) => ON_TILES.includes(name) && value);
  return new URLSearchParams(pairs).toString();
}

/** False when a filter is set that tiles do not know: they would show what the numbers leave out. */
export const tilesAgree = () => !BEYOND_TILES.some((name) => question().get(name));

/** "west,south,east,north" of Leaflet bounds: four decimals are ten metres. */
export function boxOf(bounds) {
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((side) => side.toFixed(4)).join(",");
}

/** The address of a view's list, clusters and counts. */
export function viewAddress(area, zoom, centre, more = {}) {
  const pairs = question();
  if (area) pairs.set("area", area);
  pairs.set("view", viewPair(zoom, centre));
  for (const [name, value] of Object.entries(more)) pairs.set(name, value);
  return `/map/view?${pairs}`;
}

export const viewPair = (zoom, { lng, lat }) => [zoom.toFixed(2), lng.toFixed(4), lat.toFixed(4)].join(",");

/** Write pairs into the address (null takes one away); `push` makes a step for "back". */
export function write(changes, { push = false } = {}) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  url.search = url.search.replaceAll("%2C", ",");      // commas may stand as they are, and people read addresses
  if (push && url.href !== location.href) history.pushState({ irm: true }, "", url);
  else history.replaceState(history.state, "", url);
}
