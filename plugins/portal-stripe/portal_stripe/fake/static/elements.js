// A look-alike of the maker's script: the few calls that the plugin makes; the number is typed in a frame of this origin.
window.Stripe = (key) => {
  const origin = new URL(document.currentScript?.src ?? window.Stripe.src).origin;
  const waiting = new Map();
  const fail = (message, type = "validation_error") => ({ error: { message, type } });
  const ask = (element, message) => new Promise((resolve) => {
    const id = crypto.randomUUID();
    waiting.set(id, resolve);
    element.ready.then(() => element.frame.contentWindow.postMessage({ id, key, ...message }, origin));
  });
  addEventListener("message", (event) => {
    if (event.origin === origin && waiting.has(event.data.id)) { waiting.get(event.data.id)(event.data); waiting.delete(event.data.id); }
  });
  const make = (kind, options) => {
    const frame = document.createElement("iframe");
    frame.title = "Secure payment input frame";
    frame.src = `${origin}/v3/frame`;
    const listeners = {};
    const element = {
      frame, kind, options,
      mount(where) {
        const box = typeof where === "string" ? document.querySelector(where) : where;
        if (!(box instanceof HTMLElement)) throw new Error("mount() needs an element");
        box.replaceChildren(frame);
      },
      on(name, run) { listeners[name] = run; return element; },
      unmount() { frame.remove(); }, destroy() { frame.remove(); }, update() {},
    };
    element.ready = new Promise((resolve) => frame.addEventListener("load", () => { resolve(); listeners.ready?.({}); }));
    return element;
  };
  return {
    elements(options = {}) {
      if (options.mode === "payment" && !(Number.isInteger(options.amount) && options.amount > 0)) throw new Error("elements(): amount is missing");
      if (options.paymentMethodTypes) throw new Error("elements(): paymentMethodTypes is no longer supported");
      if (options.mode && !options.currency) throw new Error("elements(): currency is missing");
      let element;
      return {
        options,
        create(kind, more = {}) { element = make(kind, { ...options, ...more }); return element; },
        getElement() { return element; },
        update(more) { Object.assign(options, more); },
        async submit() {
          const told = await ask(element, { kind: "check", types: options.allowedPaymentMethodTypes });
          return told.message ? fail(told.message) : { selectedPaymentMethod: told.type };
        },
        get element() { return element; },
      };
    },
    async createConfirmationToken({ elements, params }) {
      const told = await ask(elements.element, { kind: "token", types: elements.options.allowedPaymentMethodTypes, params });
      return told.message ? fail(told.message) : { confirmationToken: { id: told.token } };
    },
    async createPaymentMethod({ type, card, billing_details }) {
      const told = await ask(card, { kind: "method", types: [type], params: { payment_method_data: { billing_details } } });
      return told.message ? fail(told.message) : { paymentMethod: { id: told.token } };
    },
  };
};
window.Stripe.src = document.currentScript.src;
