// Inside the frame, on the sandbox's own origin: reads what is typed, trades it for a one-time token, and tells the
// portal's page the token alone. It speaks with one origin, the one in the frame's address.
const { origin, tokens } = document.body.dataset;
const content = document.getElementById("fields");
const groups = [...content.querySelectorAll("[data-method]")];
const OFFLINE = "The sandbox could not be reached. Nothing was charged. Please try again.";

const tell = (message) => parent.postMessage({ sandbox: true, ...message }, origin);
const active = () => groups.find((group) => !group.hidden);

function show(method) {
  for (const group of groups) group.hidden = group.dataset.method !== method;
}

function mark(input, sentence) {
  const note = document.getElementById(`${input.id}-error`);
  note.querySelector("span").textContent = sentence;
  note.hidden = !sentence;
  if (sentence) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function complain(inputs, errors) {
  for (const input of inputs) mark(input, errors[input.id] ?? "");
  const wrong = inputs.filter((input) => errors[input.id]);
  wrong[0]?.focus();
  return wrong.map((input) => `${errors[input.id]}.`).join(" ");
}

async function tokenize(id) {
  const inputs = [...active().querySelectorAll("input")];
  const typed = Object.fromEntries(inputs.map((input) => [input.id, input.value]));
  const response = await fetch(tokens, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ method: active().dataset.method, ...typed }),
  });
  const answer = await response.json();
  const sentence = complain(inputs, answer.errors ?? {});
  if (answer.id) tell({ kind: "token", id, token: answer.id });
  else tell({ kind: "refused", id, message: sentence || OFFLINE });
}

addEventListener("message", (event) => {
  if (event.origin !== origin || event.source !== parent || event.data?.sandbox !== true) return;
  const { kind, id, method } = event.data;
  if (kind === "method") show(method === "bank" ? "bank" : "card");
  if (kind === "tokenize") tokenize(id).catch(() => tell({ kind: "refused", id, message: OFFLINE }));
});

new ResizeObserver(() => tell({ kind: "height", height: Math.ceil(content.getBoundingClientRect().height) })).observe(content);
tell({ kind: "ready" });
