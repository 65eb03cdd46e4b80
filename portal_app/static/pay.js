// The Pay button: first the gateway's fields trade the card for a one-time token, then htmx sends the form. The card
// itself never comes here. Without this script the form is sent as it is, and the gateway's own page takes the card.
const form = document.getElementById("pay");
const box = form.querySelector("[data-gateway-fields]");
const chosen = () => form.elements.method.value;
const button = () => form.querySelector("#confirm button");
let label = "";

function busy() {
  label = button().textContent;
  button().textContent = "Paying…";
  button().disabled = true;
}

function idle() {
  form.elements.token.value = "";
  if (!button().disabled) return;
  button().textContent = label;
  button().disabled = false;
}

function refuse(sentence) {
  idle();
  const note = document.getElementById("pay-refused").content.cloneNode(true);
  note.querySelector("span").textContent = sentence;
  document.getElementById("pay-errors").replaceChildren(note);
  document.querySelector("#pay-errors p").focus();
}

function billing() {
  const names = ["name", "address1", "address2", "city", "state", "postal_code", "country"];
  return Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
}

// What the portal said of an amount while it was typed: the field is marked, and Pay waits for another one.
function mark() {
  const said = form.querySelector("#allocation [data-blames]");
  for (const input of form.querySelectorAll("#how-much .amount input")) {
    const isBlamed = input.name === said?.dataset.blames;
    if (isBlamed) input.setAttribute("aria-invalid", "true");
    else if (!input.closest(".wrong")) input.removeAttribute("aria-invalid");
    input.dataset.refused = isBlamed ? input.value : "\n"; // which nobody can type
  }
}

function wrong() {
  const said = form.querySelector("#allocation [data-blames]");
  const input = said && form.elements[said.dataset.blames];
  return input && input.value === input.dataset.refused ? said.textContent.trim() : "";
}

form.addEventListener("htmx:afterSettle", mark);

// An amount that was typed before the scripts had come is reckoned now; htmx takes it for what was there.
document.addEventListener("DOMContentLoaded", () => {
  const typed = [...form.querySelectorAll("#how-much .amount input")].find(({ value, defaultValue }) => value !== defaultValue);
  if (typed) htmx.ajax("POST", typed.getAttribute("hx-post"), { source: typed, target: "#allocation", swap: "outerHTML" });
});

form.addEventListener("htmx:confirm", (event) => {
  if (event.target !== form) return; // a redraw of a part
  if (button().disabled) {
    event.preventDefault();
    return;
  }
  if (wrong()) {
    event.preventDefault();
    refuse(wrong());
    return;
  }
  busy();
  if (!box?.childElementCount) return; // the gateway's fields are not there: its own page takes the card
  event.preventDefault();
  const resolve = (token) => {
    form.elements.token.value = token;
    event.detail.issueRequest(true);
  };
  box.dispatchEvent(new CustomEvent("portal:tokenize", { detail: { method: chosen(), billing: billing(), resolve, reject: refuse } }));
});

// A refusal draws a new button; after a broken connection the old one works again. A new page leaves it as it is.
form.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (target === form && !detail.xhr.getResponseHeader("HX-Redirect")) idle();
});

form.addEventListener("change", ({ target }) => {
  if (target.name !== "method") return;
  if ("elsewhere" in target.dataset) { // another gateway's fields need a page of their own; what was typed goes along
    form.action = form.dataset.redraw;
    form.elements.token.value = "";
    form.submit();
    return;
  }
  if (!box) return;
  box.dataset.method = chosen();
  box.dispatchEvent(new CustomEvent("portal:method"));
});

// A page that comes back from the browser's memory is one whose button was pressed already.
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
