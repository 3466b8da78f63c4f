// Choosing a slot without leaving the page: the chosen one is pressed, every [data-slot-text] shows it, and the form field that
// carries it is filled. Without scripts each slot is a submit button that sends itself.
const slots = [...document.querySelectorAll(".sl[data-slot-label]")];
const field = document.querySelector("[data-slot-field]");

function choose(slot) {
  for (const other of slots) other.setAttribute("aria-pressed", String(other === slot));
  for (const text of document.querySelectorAll("[data-slot-text]")) text.textContent = slot.dataset.slotLabel;
  for (const warning of document.querySelectorAll("[data-slot-late]")) warning.hidden = !slot.classList.contains("late");
  for (const button of document.querySelectorAll("[data-slot-needed]")) button.disabled = false;
  if (field) field.value = slot.value;
}

if (field) {
  for (const slot of slots) {
    slot.type = "button";
    slot.addEventListener("click", () => choose(slot));
  }
  const first = slots.find((slot) => slot.getAttribute("aria-pressed") === "true");
  if (first) choose(first);
}
