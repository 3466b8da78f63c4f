// Another voucher or another answer changes the sums: the parts that tell them are asked for anew. Without scripts a button does it.
const form = document.querySelector("[data-checkout]");
const SECRET = ["csrf_token", "request_id", "expected_voucher", "expected_own"];
let asked = 0;
// The voucher that the person wants. An answer may rule it out for the moment; when the answer changes back, it is chosen again.
let wanted = form ? new FormData(form).get("voucher") : null;

function address() {
  const query = new URLSearchParams(new FormData(form));
  if (wanted) query.set("voucher", wanted);
  for (const name of SECRET) query.delete(name);
  return `${form.dataset.url}?${query}`;
}

// A part is only replaced outside of what has the focus: a radio button that vanished would throw the keyboard back to the top.
function replace(page) {
  for (const fresh of page.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    const focused = old?.contains(document.activeElement) ? document.activeElement : null;
    const again = focused?.name ? `input[name="${focused.name}"][value="${focused.value}"]` : "";
    old?.replaceWith(fresh);
    if (again) fresh.querySelector(again)?.focus();
  }
}

async function recount() {
  const mine = ++asked;
  const url = address();
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (mine !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !page.querySelector("[data-checkout]")) {
    location.assign(url);
    return;
  }
  replace(page);
  history.replaceState(null, "", url);
  const button = document.querySelector("[data-part=sum] .btn");
  document.getElementById("live").textContent = button ? button.textContent.trim() : "";
}

form?.addEventListener("change", (event) => {
  if (event.target.name === "voucher") wanted = event.target.value;
  if (event.target.matches("[data-recount]")) recount().catch(() => location.assign(address()));
});
