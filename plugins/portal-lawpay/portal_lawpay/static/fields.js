// The glue on the portal's page: mounts LawPay's own fields in the host's box and trades what is typed there for a
// one-time token. Numbers and security codes stay in LawPay's frames; only expiry and kind of account are asked here.
const WAIT_MS = 20000;
const NO_ANSWER = "LawPay did not answer. Please try again in a few minutes.";
const EXPIRY = "Choose the month and year in which the card expires.";
const SURCHARGE = "The firm may add a surcharge for this card. What is charged now is the amount on this page.";
const SETS = {
  card: [["credit_card_number", "Card number"], ["cvv", "Security code"]],
  bank: [["routing_number", "Routing number"], ["bank_account_number", "Account number"]],
};
const ADDRESS = ["name", "address1", "address2", "city", "state", "postal_code", "country"];
const mounted = new WeakSet(); // LawPay documents no way to take its fields down: once a box, which outlives every swap

function make(tag, attributes, ...children) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}

function choice(id, text, autocomplete, options) {
  const select = make("select", { id, autocomplete }, ...options.map(([value, label]) => new Option(label, value)));
  return make("div", { className: "f" }, make("label", { htmlFor: id }, text), select);
}

// One of LawPay's frames, with its label and what is wrong with it.
function slot(type, text) {
  const id = `lawpay-${type.replaceAll("_", "-")}`;
  const label = make("div", { className: "label", id: `${id}-label` }, text);
  const error = make("p", { className: "error", id: `${id}-error`, hidden: true });
  const frame = make("div", { className: "lawpay-frame", id });
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-labelledby", label.id);
  frame.setAttribute("aria-describedby", error.id);
  return { type, text, id, error, frame, wasLeft: false, wrong: "", box: make("div", { className: "f" }, label, error, frame) };
}

function cardPart(slots) {
  const months = Array.from({ length: 12 }, (_, n) => String(n + 1).padStart(2, "0")).map((month) => [month, month]);
  const year = new Date().getFullYear();
  const years = Array.from({ length: 20 }, (_, n) => [String(year + n), String(year + n)]);
  const month = choice("lawpay-exp-month", "Expires, month", "cc-exp-month", [["", "Month"], ...months]);
  const until = choice("lawpay-exp-year", "Expires, year", "cc-exp-year", [["", "Year"], ...years]);
  return make("div", {}, slots[0].box, make("div", { className: "pair" }, month, until, slots[1].box));
}

function bankPart(slots) {
  const kind = choice("lawpay-account-type", "Kind of account", "off", [["CHECKING", "Checking"], ["SAVINGS", "Savings"]]);
  const holder = choice("lawpay-holder-type", "Held by", "off", [["individual", "A person"], ["business", "A business"]]);
  return make("div", {}, ...slots.map(({ box }) => box), make("div", { className: "pair" }, kind, holder));
}

function showWrong(slot, isTold) {
  const wrong = isTold || slot.wasLeft ? slot.wrong : "";
  slot.error.textContent = wrong;
  slot.error.hidden = !wrong;
  slot.frame.classList.toggle("is-wrong", Boolean(wrong));
}

// What LawPay's script says of its fields, whenever something changes.
function heed(set, state) {
  for (const field of state?.fields ?? []) {
    const slot = set.slots.find(({ type }) => type === field.type);
    if (!slot) continue;
    slot.wasLeft ||= slot.hadFocus && !field.focus;
    slot.hadFocus = Boolean(field.focus);
    slot.wrong = field.error ? `${slot.text}: ${field.error}` : "";
    slot.frame.classList.toggle("has-focus", Boolean(field.focus));
    showWrong(slot, false);
  }
  if (set.note) set.note.textContent = state?.surchargeable === true ? SURCHARGE : "";
}

// The frames are another origin's pages: what they look like is told, in the colors that the page has now.
function look(box) {
  const { color, fontSize, fontFamily, backgroundColor } = getComputedStyle(box.querySelector("select"));
  const plain = { border: "0", outline: "0", "border-radius": "0", padding: "0 12px", height: "100%", width: "100%" };
  return { ...plain, color, "font-size": fontSize, "font-family": fontFamily, "background-color": backgroundColor, ":focus": plain };
}

function begin(set, config, css) {
  if (set.fields) return;
  const fields = set.slots.map(({ id, type }) => ({ selector: `#${id}`, input: { type, css } }));
  const wanted = { publicKey: config.publicKey, input: { css }, fields };
  if (config.surcharge === "on") wanted.surchargeEnabled = true;
  set.fields = window.AffiniPay.HostedFields.initializeFields(wanted, (state) => heed(set, state));
}

const value = (id) => document.getElementById(id).value;

// Beside the numbers in the frames: what the token is to say. Names are cut to what LawPay keeps.
function details(method, billing) {
  const told = Object.fromEntries(ADDRESS.filter((name) => billing[name]).map((name) => [name, billing[name]]));
  if (method === "card") return { ...told, exp_month: value("lawpay-exp-month"), exp_year: value("lawpay-exp-year") };
  const holder = value("lawpay-holder-type");
  const [, given, surname] = /^(.*?)\s*(\S+)$/.exec((billing.name ?? "").trim()) ?? [];
  const named = holder === "individual" ? { given_name: given || surname, surname } : {};
  return { ...told, ...named, account_type: value("lawpay-account-type"), account_holder_type: holder };
}

function problem(set, method) {
  heed(set, set.fields.getState());
  set.slots.forEach((slot) => showWrong(slot, true));
  const wrong = set.slots.map((slot) => slot.wrong).filter(Boolean);
  const isOpen = method === "card" && !(value("lawpay-exp-month") && value("lawpay-exp-year"));
  return [...wrong, ...(isOpen ? [EXPIRY] : [])].join(" ");
}

async function tokenize(set, method, billing) {
  const wrong = problem(set, method);
  if (wrong) throw wrong;
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(fail, WAIT_MS); });
  try {
    const token = await Promise.race([set.fields.getPaymentToken(details(method, billing)), late]);
    if (typeof token?.id !== "string" || !token.id) throw NO_ANSWER;
    return token.id;
  } catch { // what was typed is looked at in the fields, and not when the token is made
    throw problem(set, method) || NO_ANSWER;
  } finally {
    clearTimeout(timer);
  }
}

let loaded;
function load(config) {
  loaded ??= new Promise((resolve, reject) => {
    const script = make("script", { src: config.script, onload: resolve, onerror: reject });
    if (config.integrity) Object.assign(script, { integrity: config.integrity, crossOrigin: "anonymous" });
    document.head.append(script);
  });
  return loaded;
}

function draw(box) {
  const sets = {};
  for (const [method, fields] of Object.entries(SETS)) {
    const slots = fields.map(([type, text]) => slot(type, text));
    sets[method] = { slots, part: method === "card" ? cardPart(slots) : bankPart(slots) };
  }
  sets.card.note = make("p", { className: "hint under" });
  sets.card.part.append(sets.card.note);
  box.replaceChildren(make("div", { className: "lawpay" }, sets.card.part, sets.bank.part));
  return sets;
}

function mount(box) {
  const config = JSON.parse(box.dataset.config);
  if (config.gateway !== "lawpay" || mounted.has(box)) return;
  mounted.add(box);
  document.head.append(make("link", { rel: "stylesheet", href: new URL("fields.css", import.meta.url).href }));
  const sets = draw(box);
  // Without LawPay's script, or its fields, the box is empty, and the portal sends the payer to LawPay's own page.
  const giveUp = () => box.replaceChildren();
  const ready = load(config).catch(giveUp);
  const show = () => {
    for (const [method, set] of Object.entries(sets)) set.part.hidden = method !== box.dataset.method;
    ready.then(() => box.childElementCount && begin(sets[box.dataset.method], config, look(box))).catch(giveUp);
  };
  box.addEventListener("portal:method", show);
  box.addEventListener("portal:tokenize", ({ detail }) => {
    const set = sets[detail.method];
    ready
      .then(() => (set.fields ? tokenize(set, detail.method, detail.billing) : Promise.reject(NO_ANSWER)))
      .then(detail.resolve, (said) => detail.reject(typeof said === "string" ? said : NO_ANSWER));
  });
  show();
}

const mountAll = () => document.querySelectorAll("[data-gateway-fields]").forEach(mount);
// The portal swaps parts of its page, so a box may come later than this script.
new MutationObserver(mountAll).observe(document.body, { childList: true, subtree: true });
mountAll();
