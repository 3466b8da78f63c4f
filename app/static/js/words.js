// The sentences scripts need, written into the page by the server in its language.
const block = document.getElementById("words");
const words = block ? JSON.parse(block.textContent) : {};

/** The sentence `key` with {name} replaced from `values`. */
export function say(key, values = {}) {
  return (words[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Tell it to a screen reader, once the present task is done. */
export function announce(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}
