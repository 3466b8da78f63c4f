// J and K go to the next and the previous paper of the queue; A, R and X select a decision, which Enter then takes. Not while somebody is
// typing, and not where the keys are turned off on this device.
const links = [...document.querySelectorAll("[data-item]")];
const hints = [...document.querySelectorAll("[data-keys]")];
const toggle = document.querySelector("[data-keys-off]");
const KEPT = "desk-keys";

function isOff() {
  try { return localStorage.getItem(KEPT) === "off"; } catch { return false; }
}

function keep(off) {
  try { localStorage.setItem(KEPT, off ? "off" : "on"); } catch { /* storage is closed: the choice lasts for this page */ }
  for (const hint of hints) hint.hidden = off && !hint.contains(toggle);
  toggle.textContent = off ? toggle.dataset.on : toggle.dataset.off;
}

function go(step) {
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[here + step];
  if (next) location.assign(next.href);
}

/** Select a decision; one that must be reasoned leads to the reason first. */
function select(key) {
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const reason = button?.form.elements.reason;
  (key !== "A" && reason && !reason.value.trim() ? reason : button)?.focus();
}

if (toggle && links.length) {
  let off = isOff();
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
    if (/^[arx]$/i.test(event.key)) {
      event.preventDefault(); // or the letter would be typed into the reason
      select(event.key.toUpperCase());
    }
  });
  document.querySelector("[data-item][aria-current]")?.scrollIntoView({ block: "nearest" });
}
