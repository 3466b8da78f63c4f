// A form that writes is sent once: its button rests after the first press, and wakes when the page is shown again (back button).
const resting = new Set();

function rest(event) {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  resting.add(form);
  // after this turn: a button disabled earlier would not send its own name and value
  setTimeout(() => {
    for (const button of form.querySelectorAll("button:not([type=button])")) {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    }
  });
}

function wake() {
  for (const form of resting) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-busy]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  }
  resting.clear();
}

document.addEventListener("submit", rest);
addEventListener("pageshow", wake);
