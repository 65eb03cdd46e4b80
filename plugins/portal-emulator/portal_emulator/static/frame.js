// One field in its frame. The frames of one form share a group: the one that is asked gathers the others' values.
(() => {
  "use strict";
  const group = location.hash.slice(1);
  const kind = document.body.dataset.kind;
  const input = document.querySelector("input");
  const names = {
    credit_card_number: "number",
    cvv: "cvv",
    routing_number: "routing_number",
    bank_account_number: "account_number",
  };
  const words = {
    credit_card_number: ["Card number is required", "Card number is not valid"],
    cvv: ["Card code is required", "Card code is not valid"],
    routing_number: ["Routing number is required", "Routing number is not valid"],
    bank_account_number: ["Account number is required", "Account number is not valid"],
  };
  let touched = false;

  const digits = () => input.value.replace(/[\s-]/g, "");
  const luhn = (number) => [...number].reverse().reduce((sum, digit, index) => {
    const value = Number(digit) * (1 + index % 2);
    return sum + (value > 9 ? value - 9 : value);
  }, 0) % 10 === 0;
  const checks = {
    credit_card_number: (value) => /^\d{12,19}$/.test(value) && luhn(value),
    cvv: (value) => /^\d{3,4}$/.test(value),
    routing_number: (value) => /^\d{9}$/.test(value),
    bank_account_number: (value) => /^\d{4,17}$/.test(value),
  };

  function flaw() {
    if (!digits()) return words[kind][0];
    return checks[kind](digits()) ? "" : words[kind][1];
  }

  // Decided from twelve digits on: this emulator's debit cards, 400005…, bear no surcharge.
  function surchargeable() {
    if (digits().length < 12) return "unknown";
    return !digits().startsWith("400005");
  }

  function tell() {
    const error = flaw();
    input.setCustomValidity(touched ? error : "");
    const state = { group, error: touched ? error : "", focus: document.activeElement === input, valid: !error };
    if (kind === "credit_card_number") state.surchargeable = surchargeable();
    parent.postMessage(state, "*"); // nothing of the value: any host page may know this much
  }

  function dress({ css, placeholder }) {
    input.placeholder = placeholder;
    const sheet = new CSSStyleSheet();
    const rule = (selector, properties) => {
      const at = sheet.insertRule(`${selector} {}`, sheet.cssRules.length);
      for (const [name, value] of Object.entries(properties)) {
        if (typeof value === "string" && !/url\s*\(/i.test(value)) {
          const hyphenated = name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
          sheet.cssRules[at].style.setProperty(hyphenated, value);
        }
      }
    };
    const plain = Object.entries(css || {}).filter(([, value]) => typeof value === "string");
    rule("input", Object.fromEntries(plain));
    for (const [name, value] of Object.entries(css || {})) {
      if (/^:{1,2}[a-z-]+$/.test(name) && value && typeof value === "object") rule("input" + name, value);
    }
    document.adoptedStyleSheets = [sheet];
  }

  // Frames of the same group and origin; those of others refuse to be read.
  function siblings() {
    return Array.from({ length: parent.frames.length }, (_, index) => parent.frames[index]).flatMap((frame) => {
      try {
        return frame.hostedField && frame.hostedField.group === group ? [frame.hostedField] : [];
      } catch {
        return [];
      }
    });
  }

  async function makeToken(key, details) {
    const values = {};
    const flaws = [];
    for (const field of siblings()) {
      const error = field.check();
      if (error) flaws.push(error);
      values[names[field.kind]] = field.value();
    }
    if (flaws.length) throw { code: 2, message: "error missing tokenization data", messages: flaws };
    const type = "number" in values ? "card" : "bank";
    const answer = await fetch("/v1/tokens", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Basic " + btoa(key + ":") },
      body: JSON.stringify({ ...details, ...values, type }),
    });
    const said = await answer.json();
    if (answer.ok) return said;
    throw { code: 4, message: "error making the token", messages: said.messages.map(({ message }) => message) };
  }

  window.hostedField = {
    group,
    kind,
    value: digits,
    check() {
      touched = true;
      tell();
      return flaw();
    },
  };

  window.addEventListener("message", async (event) => {
    if (event.source !== parent || !event.data || event.data.group !== group) return;
    if (event.data.dress) dress(event.data.dress);
    if (!event.ports.length) return;
    try {
      event.ports[0].postMessage({ token: await makeToken(event.data.key, event.data.details) });
    } catch (error) {
      const plain = { code: 3, message: "error reaching the gateway", messages: [String(error)] };
      event.ports[0].postMessage({ error: error instanceof Error ? plain : error });
    }
  });
  input.addEventListener("input", tell);
  input.addEventListener("focus", tell);
  input.addEventListener("blur", () => {
    touched = true;
    tell();
  });
  parent.postMessage({ group, hello: true }, "*");
})();
