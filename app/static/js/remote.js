// What the Folium elements of maps/ call: they say what to show, this fetches it and draws it.
// A plain script, loaded after Leaflet and before the page's own map script. Nothing here chooses a colour: paths get classes only.
window.irm = { map: null, rows: [], features: {}, values: {}, texts: {}, home: null, me: null, rings: [], tiles: [] };

(() => {
  const irm = window.irm;

  /** Class of a region: neighbour, city line or county; counties also carry the home tint or their class of a choropleth. */
  function regionClass({ adcode, level, in_province: inside }) {
    if (!inside) return "out";
    if (level === "city") return "city";
    const names = ["cty"];
    if (irm.home && adcode.startsWith(irm.home.replace(/(0000|00)$/, ""))) names.push("home");
    if (irm.values[adcode]) names.push("valued", irm.values[adcode]);
    return names.join(" ");
  }

  const classOf = {
    regions: regionClass,
    waters: ({ kind }) => (kind === "river" ? "river" : "lake"),
  };

  const kept = new Map();

  /** Fetch GeoJSON; a layer that does not come leaves the map without it, never the page without its list. */
  async function fetchFeatures(url, { keep }) {
    if (kept.has(url)) return kept.get(url);
    try {
      const answer = await fetch(url, { credentials: "same-origin" });
      const data = answer.ok ? await answer.json() : null;
      if (data && keep) kept.set(url, data);
      return data;
    } catch {
      return null;
    }
  }

  /** Until the page's modules have brought the map to its first view, asking for detail would ask for the wrong one. */
  const settled = new Promise((resolve) => { addEventListener("DOMContentLoaded", resolve, { once: true }); });

  function tip(feature, path) {
    const text = irm.texts[feature.properties.adcode];
    if (!text) return;
    const line = document.createElement("span");
    line.textContent = text;
    path.bindTooltip(line, { sticky: true, className: "map-tip" });
  }

  function paths(features, { pane, className, interactive = false }) {
    return L.geoJSON({ type: "FeatureCollection", features }, {
      pane,
      interactive,
      smoothFactor: 0.6,
      style: (feature) => ({ className: className(feature.properties) }),
      onEachFeature: interactive ? tip : undefined,
    });
  }

  function drawRegions(map, features, cased) {
    const areas = features.filter((f) => !(f.properties.in_province && f.properties.level === "city") && f.properties.level !== "province-line");
    const cities = features.filter((f) => f.properties.in_province && f.properties.level === "city");
    const parts = [paths(areas, { pane: "areas", className: regionClass, interactive: cased })];
    for (const name of cased ? ["city case", "city core"] : ["city"]) parts.push(paths(cities, { pane: "lines", className: () => name }));
    return L.layerGroup(parts);
  }

  function drawLines(map, features, { pane, rule, className }) {
    const shapes = features.filter((f) => f.geometry && f.geometry.type !== "Point");
    return paths(shapes, { pane, className: rule ? classOf[rule] : () => className });
  }

  function dot({ name, name_en: english, kind_glyph: glyph, approximate, url }) {
    // too small for a thumb: on the phone the list alone carries the links
    const link = document.createElement(matchMedia("(max-width: 720px)").matches ? "span" : "a");
    link.className = approximate ? "dot approx" : "dot";
    if (link.tagName === "A") {
      link.href = url;
      link.tabIndex = -1;
      link.setAttribute("aria-label", document.documentElement.lang === "en" && english ? english : name);
    }
    link.title = document.documentElement.lang === "en" && english ? english : name;
    const mark = document.createElement("span");
    mark.className = "glyph";
    mark.textContent = glyph || "";
    link.append(document.createElement("i"), mark);
    L.DomEvent.disableClickPropagation(link);
    return link;
  }

  function drawPoints(map, features, { pane }) {
    const marker = (feature, at) => L.marker(at, {
      pane,
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ className: "spot", iconSize: null, html: dot(feature.properties) }),
    });
    return L.geoJSON({ type: "FeatureCollection", features }, { pointToLayer: marker });
  }

  const draw = {
    regions: (map, features, layer) => drawRegions(map, features, layer.cased),
    lines: drawLines,
    points: drawPoints,
  };

  /** Address to ask at this zoom and view, or null when the layer is not to be seen. */
  function address(map, { urls, minZoom, maxZoom, bbox, besideZoom }) {
    const zoom = map.getZoom();
    const browsing = document.getElementById("list")?.dataset.browse !== undefined;
    if (zoom < (browsing ? Math.max(minZoom, besideZoom) : minZoom) || zoom > maxZoom) return null;
    const url = urls.filter(([from]) => zoom >= from).pop()[1];
    if (!bbox) return url;
    const bounds = map.getBounds().pad(0.2);
    if (!map.getSize().x || !map.getSize().y) return null;
    const sides = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    return `${url}${url.includes("?") ? "&" : "?"}bbox=${sides.map((side) => side.toFixed(3)).join(",")}`;
  }

  /**
   * Show a remote layer: {name, kind, pane, urls [[from zoom, address], …], minZoom, maxZoom, bbox, rule, className, cased}.
   * Fires irm:features on the map whenever its features change; an answer that comes late is dropped.
   */
  irm.remote = (map, layer) => {
    let shown = null;
    let asked = null;

    function replace(features) {
      const next = features ? draw[layer.kind](map, features, layer).addTo(map) : null;
      shown?.remove();
      shown = next;
      irm.features[layer.name] = features ?? [];
      map.fire("irm:features", { name: layer.name });
    }

    // the coarse outline is small and comes first; a finer one replaces it when the view has settled
    async function begin() {
      const [, coarse] = layer.urls[0];
      if (layer.urls.length > 1 && !layer.bbox) {
        const data = await fetchFeatures(coarse, { keep: true });
        if (data) replace(data.features);
        asked = coarse;
      }
      await settled;
      map.on("moveend", refresh);
      if (layer.besideZoom) document.addEventListener("irm:results", refresh);
      refresh();
    }

    async function refresh() {
      const url = address(map, layer);
      if (url === asked) return;
      asked = url;
      if (url === null) return replace(null);
      const data = await fetchFeatures(url, { keep: !layer.bbox });
      if (data && url === asked) replace(data.features);
    }

    begin();
  };

  /** Circles of so many kilometres around a point, and where their names go. */
  irm.circles = (map, { lon, lat, kilometres, label }) => {
    irm.me = { lon, lat, label };
    irm.rings = kilometres.map((km) => {
      L.circle([lat, lon], { radius: km * 1000, className: "ring", pane: "rings", interactive: false, fill: false }).addTo(map);
      return { km, lon, lat: lat - km / 110.95 };
    });
  };
})();
