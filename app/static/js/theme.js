// Light or dark: the system's choice until the person makes one, which this device then keeps.
// Loaded before the style sheets, as a plain script, so that a page never flashes in the other theme.
(() => {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  function recall() {
    try {
      const kept = localStorage.getItem("theme");
      if (kept === "light" || kept === "dark") root.dataset.theme = kept;
    } catch { /* storage is closed: follow the system */ }
  }

  function toggle() {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch { /* storage is closed: the choice lasts for this page */ }
  }

  // The language link was written for the address the page was asked under; filters may have changed it since.
  // Two forms are served: this page with ?lang=…, or another address with ?next=… back to this page.
  function keepQuery(link) {
    const url = new URL(link.href);
    if (url.searchParams.has("next")) {
      url.searchParams.set("next", location.pathname + location.search);
    } else if (url.pathname === location.pathname) {
      const now = new URLSearchParams(location.search);
      now.set("lang", url.searchParams.get("lang") ?? "");
      url.search = now.toString();
    }
    link.href = url.href;
  }

  recall();
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.addEventListener("click", toggle);
    }
    for (const link of document.querySelectorAll("[data-keep-query]")) link.addEventListener("click", () => keepQuery(link));
  });
})();
