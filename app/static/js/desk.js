// J and K go to the next and the previous paper of the queue, unless somebody is typing or has turned the keys off on this device.
const links = [...document.querySelectorAll("[data-item]")];
const hint = document.querySelector("[data-keys]");
const toggle = document.querySelector("[data-keys-off]");
const KEPT = "desk-keys";

function isOff() {
  try { return localStorage.getItem(KEPT) === "off"; } catch { return false; }
}

function keep(off) {
  try { localStorage.setItem(KEPT, off ? "off" : "on"); } catch { /* storage is closed: the choice lasts for this page */ }
  toggle.textContent = off ? toggle.dataset.on : toggle.dataset.off;
}

function go(step) {
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[here + step];
  if (next) location.assign(next.href);
}

if (hint && toggle && links.length) {
  let off = isOff();
  hint.hidden = false;
  keep(off);
  toggle.addEventListener("click", () => {
    off = !off;
    keep(off);
  });
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, select");
    if (off || typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key.toLowerCase() === "j") go(1);
    if (event.key.toLowerCase() === "k") go(-1);
  });
  document.querySelector("[data-item][aria-current]")?.scrollIntoView({ block: "nearest" });
}
