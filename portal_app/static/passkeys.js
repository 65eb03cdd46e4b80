// Passkeys: the forms marked data-passkey ask the portal what to sign, the device signs, the form carries the answer back.
const can = window.PublicKeyCredential && navigator.credentials;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const opened = (options) => {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const name of ["allowCredentials", "excludeCredentials"])
    for (const one of options[name] ?? []) one.id = bytes(one.id);
  return options;
};

const written = ({ id, type, rawId, response }) => {
  const answer = { id, type, rawId: text(rawId), response: { clientDataJSON: text(response.clientDataJSON) } };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (response[name]) answer.response[name] = text(response[name]);
  return JSON.stringify(answer);
};

const ask = async (form) => {
  const given = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const found = await fetch(`${form.action}/options`, { method: "POST", body: given, headers: { "HX-Request": "true" } });
  const elsewhere = found.headers.get("HX-Redirect"); // who it is has to be shown again first
  if (elsewhere) return void location.assign(elsewhere);
  if (!found.ok) throw new Error(found.status === 429 ? "There were too many tries. Wait a few minutes." : "");
  return { publicKey: opened(await found.json()) };
};

for (const form of can ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = form.querySelector(".error");
    wrong.hidden = true;
    try {
      const options = await ask(form);
      if (!options) return;
      form.elements.answer.value = written(await navigator.credentials[form.dataset.passkey](options));
      form.submit();
    } catch (problem) {
      const isLeft = problem.name === "NotAllowedError" || problem.name === "AbortError";
      const isThere = problem.name === "InvalidStateError";
      wrong.textContent = isThere ? "This device has a passkey for you already."
        : isLeft ? "No passkey was used. Try again, or use another way."
        : problem.message || "The passkey could not be used. Try again, or use another way.";
      wrong.hidden = false;
    }
  });
}
