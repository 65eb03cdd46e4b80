// Frames Example Pay's own fields in the portal's box; what is typed there never comes to the portal. The portal asks
// for a one-time token with the event "portal:tokenize", whose detail has resolve(token) and reject(sentence).
const mounted = new WeakSet();

function mount(box) {
  const config = JSON.parse(box.dataset.config);
  if (config.gateway !== "example" || mounted.has(box)) return;
  mounted.add(box);
  const url = new URL(config.url);
  url.searchParams.set("key", config.key);
  const frame = document.createElement("iframe");
  frame.className = "gateway-frame";
  frame.title = "Card or bank details, Example Pay";
  frame.src = url.href;
  let open = null;
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== url.origin || !open) return;
    const { resolve, reject } = open;
    open = null;
    if (event.data?.token) resolve(event.data.token);
    else reject("These details could not be read. Please check them.");
  });
  box.addEventListener("portal:tokenize", ({ detail }) => {
    open = detail;
    frame.contentWindow.postMessage({ method: detail.method, billing: detail.billing }, url.origin);
  });
  box.replaceChildren(frame);
}

const mountAll = () => document.querySelectorAll("[data-gateway-fields]").forEach(mount);
new MutationObserver(mountAll).observe(document.body, { childList: true, subtree: true });
mountAll();
