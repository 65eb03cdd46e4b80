// The glue on the portal's page: frames the sandbox's fields and carries requests in, one-time tokens out. What is
// typed in the frame never comes here. Every message is checked against the frame and the frame's origin.
const WAIT_MS = 20000;
const LATE = "The payment fields did not answer. Nothing was charged. Please try again.";
const mounted = new WeakSet();

function framed(box, url) {
  const frame = document.createElement("iframe");
  frame.className = "gateway-frame";
  frame.title = "Card or bank details, Sandbox gateway";
  frame.height = "240";
  url.searchParams.set("method", box.dataset.method);
  frame.src = url.href;
  return frame;
}

// Answers each request exactly once: by the frame's word, or by the clock.
function ledger() {
  const open = new Map();
  const close = (id) => {
    const request = open.get(id);
    clearTimeout(request?.timer);
    open.delete(id);
    return request;
  };
  const add = (detail) => {
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    open.set(id, { resolve: detail.resolve, reject: detail.reject, timer: setTimeout(() => close(id).reject(LATE), WAIT_MS) });
    return id;
  };
  return { add, close };
}

function mount(box) {
  const config = JSON.parse(box.dataset.config);
  if (config.gateway !== "sandbox" || mounted.has(box)) return;
  mounted.add(box);
  const url = new URL(config.url);
  const frame = framed(box, url);
  const requests = ledger();
  let begin;
  const ready = new Promise((resolve) => { begin = resolve; });
  const tell = (message) => ready.then(() => frame.contentWindow?.postMessage({ sandbox: true, ...message }, url.origin));
  const replies = {
    ready: begin,
    height: ({ height }) => { if (height > 0 && height < 1000) frame.height = String(height); },
    token: ({ id, token }) => requests.close(id)?.resolve(token),
    refused: ({ id, message }) => requests.close(id)?.reject(message),
  };
  addEventListener("message", function listen(event) {
    if (!box.isConnected) { removeEventListener("message", listen); return; }
    if (event.source !== frame.contentWindow || event.origin !== url.origin || event.data?.sandbox !== true) return;
    if (Object.hasOwn(replies, event.data.kind)) replies[event.data.kind](event.data);
  });
  box.addEventListener("portal:method", () => tell({ kind: "method", method: box.dataset.method }));
  box.addEventListener("portal:tokenize", ({ detail }) => {
    tell({ kind: "method", method: detail.method });
    tell({ kind: "tokenize", id: requests.add(detail) });
  });
  box.replaceChildren(frame);
}

const mountAll = () => document.querySelectorAll("[data-gateway-fields]").forEach(mount);
// The portal swaps parts of its page, so a box may come later than this script.
new MutationObserver(mountAll).observe(document.body, { childList: true, subtree: true });
mountAll();
