// Hosted fields for the host page: window.AffiniPay.HostedFields.initializeFields(config, onChange).
// Mounts one frame per field, hears of errors and focus, and gets tokens; it never sees a number.
(() => {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;

  // What is thrown and rejected: {code, message, messages: [sentences]}; the code says which kind of thing failed.
  const kinds = { 1: "initialization", 2: "configuration", 3: "network", 4: "payment" };
  const exceptionMap = Object.assign((code) => kinds[code], kinds);
  const exception = (code, message, messages) => Object.assign(new Error(message), { code, messages });
  const parseException = ({ code, message, messages }) => ({ code, message, messages });

  function initializeFields(config, onChange) {
    if (!config.publicKey) throw exception(2, "error in the configuration", ["publicKey is missing"]);
    const group = crypto.randomUUID();
    const wanted = config.fields || [];
    const fields = wanted.map((field) => ({ type: field.input.type, error: "", focus: false }));
    const frames = wanted.map((field, index) => mount(field, index));
    const valid = wanted.map(() => false);
    const waiting = new Set(frames);
    let target = "";
    let surchargeable = "unknown";
    let mounted;
    const ready = new Promise((resolve) => { mounted = resolve; });

    function mount(field, index) {
      const place = document.querySelector(field.selector);
      if (!place) throw exception(1, "error mounting the fields", ["There is no element " + field.selector]);
      const frame = document.createElement("iframe");
      frame.src = `${origin}/hosted-fields/frame/${field.input.type}#${group}`;
      frame.title = field.input.title || field.input.placeholder || field.input.type.replaceAll("_", " ");
      Object.assign(frame.style, { width: "100%", height: "100%", minHeight: "2.75rem", border: "0", display: "block" });
      frame.dataset.hostedField = String(index);
      place.replaceChildren(frame);
      return frame;
    }

    function getState() {
      const state = {
        isReady: waiting.size === 0 && valid.every(Boolean),
        target,
        fields: fields.map((field) => ({ ...field })),
      };
      if (config.surchargeEnabled) state.surchargeable = surchargeable;
      return state;
    }

    window.addEventListener("message", (event) => {
      const index = frames.findIndex((frame) => frame.contentWindow === event.source);
      if (event.origin !== origin || index < 0 || !event.data || event.data.group !== group) return;
      const said = event.data;
      if (said.hello) {
        const input = wanted[index].input;
        const css = { ...(config.input && config.input.css), ...input.css };
        event.source.postMessage({ group, dress: { css, placeholder: input.placeholder || "" } }, origin);
        waiting.delete(frames[index]);
        if (waiting.size === 0) mounted();
        return;
      }
      fields[index].error = said.error;
      fields[index].focus = said.focus;
      valid[index] = said.valid;
      target = fields[index].type;
      if (said.surchargeable !== undefined) surchargeable = said.surchargeable;
      if (onChange) onChange(getState());
    });

    async function getPaymentToken(data) {
      await ready;
      const channel = new MessageChannel();
      const answer = new Promise((resolve, reject) => {
        channel.port1.onmessage = ({ data: said }) => {
          if (said.token) resolve(said.token);
          else reject(exception(said.error.code, said.error.message, said.error.messages));
        };
      });
      const ask = { group, key: config.publicKey, details: { ...data } };
      frames[0].contentWindow.postMessage(ask, origin, [channel.port2]);
      return answer;
    }

    return { getState, getPaymentToken };
  }

  window.AffiniPay = { ...window.AffiniPay, HostedFields: { initializeFields, parseException, exceptionMap } };
})();
