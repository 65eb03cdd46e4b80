// The firm's keyboard: Escape leaves what was opened in place, and focus goes back to what opened it.
let opener = "";

document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape" || (target.type === "search" && target.value)) return;
  (target.closest("#panel") ?? target.closest("form"))?.querySelector("[data-leave]")?.click();
});
document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  if (!elt.closest("form, #panel")) opener = elt.getAttribute("href") ?? "";
});
document.addEventListener("htmx:afterSettle", () => {
  if (opener && document.activeElement === document.body) [...document.links].find((link) => link.getAttribute("href") === opener)?.focus();
});
