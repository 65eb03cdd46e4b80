// The firm's keyboard: Escape leaves what was opened in place, and focus goes back to what opened it. Where what was
// pressed is gone, it goes to the row that took its place, or to the head of its section.
let opener = "", beside, section;

document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape" || (target.type === "search" && target.value)) return;
  (target.closest("#panel") ?? target.closest("form"))?.querySelector("[data-leave]")?.click();
});
document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  const within = elt.closest("#panel") ?? elt.closest("form");
  if (!within?.querySelector("[data-leave]")) opener = within ? "" : elt.getAttribute("href") ?? "";
  const pressed = elt.contains(document.activeElement) ? elt : null, row = pressed?.closest("tr, li");
  beside = row?.nextElementSibling ?? row?.previousElementSibling;
  section = pressed?.closest("section[id]")?.id; // what asks by itself moves nobody
});
document.addEventListener("htmx:afterRequest", () => {
  if (document.activeElement !== document.body) return;
  const head = section && document.getElementById(section)?.querySelector("h1, h2, h3");
  const found = (opener && [...document.links].find((link) => link.getAttribute("href") === opener))
    || (beside?.isConnected && beside.querySelector("a, button, input")) || head;
  if (!found) return;
  if (found === head) head.tabIndex = -1;
  found.focus({ preventScroll: true });
});
