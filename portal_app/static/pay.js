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
  if (button().disabled) {
    button().textContent = label;
    button().disabled = false;
  }
  if (missed?.isConnected) {
    if (missed.matches(".amount input")) reckon(missed);
    else htmx.trigger(missed, "change"); // the country; what was pressed can be pressed again
  }
  missed = null;
}

function reckon(amount) {
  htmx.ajax("POST", amount.getAttribute("hx-post"), { source: amount, target: "#allocation", swap: "outerHTML" });
}

// While a payment is on its way no part of its form is drawn anew: neither is it asked for, nor is a late answer shown.
// What was typed or chosen meanwhile is asked for when the button can be pressed again.
let missed = null;

function leave(event) {
  event.preventDefault();
  missed = event.target;
}

const late = (event) => { if (button().disabled || !event.target.isConnected) leave(event); };

form.addEventListener("htmx:beforeRequest", ({ target }) => {
  // Heard at the part itself: a refusal may have drawn the form anew by then, and taken it off the page.
  if (target !== form) target.addEventListener("htmx:beforeOnLoad", late);
});

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
let refused = null;

function mark() {
  const said = form.querySelector("#allocation [data-blames]");
  const blamed = said && form.elements[said.dataset.blames];
  for (const input of form.querySelectorAll("#how-much .amount input")) {
    if (input === blamed) input.setAttribute("aria-invalid", "true");
    else if (!input.closest(".wrong")) input.removeAttribute("aria-invalid");
  }
  refused = blamed && { input: blamed, value: blamed.value, sentence: said.textContent.trim() };
}

const wrong = () => (refused && refused.input.value === refused.value ? refused.sentence : "");

form.addEventListener("htmx:afterSettle", mark);

// An amount that was typed before the scripts had come is reckoned now; htmx takes it for what was there.
document.addEventListener("DOMContentLoaded", () => {
  const typed = [...form.querySelectorAll("#how-much .amount input")].find(({ value, defaultValue }) => value !== defaultValue);
  if (typed) reckon(typed);
});

form.addEventListener("htmx:confirm", (event) => {
  if (event.target !== form) {
    if (button().disabled) leave(event);
    return;
  }
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

function follow() {
  if ("elsewhere" in (form.querySelector("[name=method]:checked")?.dataset ?? {})) {
    form.action = form.dataset.redraw; // another gateway's fields need a page of their own; what was typed goes along
    form.elements.token.value = "";
    form.submit();
  } else if (box && box.dataset.method !== chosen()) {
    box.dataset.method = chosen();
    box.dispatchEvent(new CustomEvent("portal:method"));
  }
}

form.addEventListener("change", ({ target }) => { if (target.name === "method") follow(); });
follow(); // it may have been chosen before this script had come

// A page that comes back from the browser's memory is one whose button was pressed already.
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
