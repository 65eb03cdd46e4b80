// The glue on the portal's page: loads Stripe's own script, mounts Stripe's fields (frames of Stripe's origin), and trades
// what was typed there for a one-time token. No card or account number ever comes here.
const TYPES = { card: "card", bank: "us_bank_account" };
const LATE = "The payment fields did not answer. Nothing was charged. Please try again.";
const NO_BANK = "The firm does not take bank account payments here. Pay by card.";
const mounted = new WeakSet();
let script;

// Stripe's script, once a page. When it does not come, the box stays empty: the portal then uses Stripe's own page.
function load(url) {
  script ??= new Promise((resolve, reject) => {
    const tag = Object.assign(document.createElement("script"), { src: url, async: true });
    tag.addEventListener("load", () => resolve(window.Stripe));
    tag.addEventListener("error", reject);
    document.head.append(tag);
  });
  return script;
}

const details = ({ name, address1, address2, city, state, postal_code, country }) => ({
  name,
  address: { line1: address1, line2: address2, city, state, postal_code, country },
});

function draw(box, stripe, config) {
  const method = box.dataset.method === "bank" ? "bank" : "card";
  if (method === "bank" && !config.bank) {
    box.replaceChildren(Object.assign(document.createElement("p"), { textContent: NO_BANK }));
    return { method };
  }
  const place = document.createElement("div");
  box.replaceChildren(place);
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe";
  const elements = stripe.elements({
    mode: "payment",
    amount: Number(config.amount),
    currency: config.currency,
    allowedPaymentMethodTypes: [TYPES[method]], // the server names the same one: Stripe compares them
    appearance: { theme },
  });
  // The address stands in the portal's own form; the wallets would bring another one.
  elements
    .create("payment", {
      fields: { billingDetails: { address: { country: "never", postalCode: "never" } } },
      wallets: { applePay: "never", googlePay: "never", link: "never" },
    })
    .mount(place);
  return { method, elements };
}

async function tokenize(stripe, { elements }, { billing, resolve, reject }) {
  if (!elements) return reject(NO_BANK);
  const checked = await elements.submit();
  if (checked.error) return reject(checked.error.message ?? LATE);
  const params = { payment_method_data: { billing_details: details(billing) } };
  const { error, confirmationToken } = await stripe.createConfirmationToken({ elements, params });
  return error ? reject(error.message ?? LATE) : resolve(confirmationToken.id);
}

async function mount(box) {
  const config = JSON.parse(box.dataset.config);
  if (config.gateway !== "stripe" || mounted.has(box)) return;
  mounted.add(box);
  const Stripe = await load(config.script);
  const stripe = Stripe(config.key);
  let shown = draw(box, stripe, config);
  box.addEventListener("portal:method", () => {
    shown = draw(box, stripe, config);
  });
  box.addEventListener("portal:tokenize", ({ detail }) => {
    tokenize(stripe, shown, detail).catch(() => detail.reject(LATE));
  });
}

const mountAll = () => document.querySelectorAll("[data-gateway-fields]").forEach((box) => mount(box).catch(() => {}));
// The portal swaps parts of its page, so a box may come later than this script.
new MutationObserver(mountAll).observe(document.body, { childList: true, subtree: true });
mountAll();
