// htmx obeys our rules before it begins: nothing is evaluated, no page is kept in the browser, a refused form is shown.
Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  historyCacheSize: 0,
  defaultSettleDelay: 0,
  refreshOnHistoryMiss: true,
  historyRestoreAsHxRequest: false,
  responseHandling: [{ code: "204", swap: false }, { code: "[23]..|422", swap: true }, { code: "[45]..", swap: false, error: true }],
});

// What htmx leaves unsaid: a request that was refused, or found no answer, is told in words at the top of the page.
{
  const SAID = {
    403: "This is not open to you. Nothing was changed.",
    404: "This is no longer there. Reload the page.",
    413: "Too much to send at once. Nothing was saved.",
    429: "Too fast. Nothing was changed or charged. Try again in a few minutes.",
  };
  const OTHER = "Something went wrong. Reload the page before you try again.";
  const LOST = "The portal did not answer. Check your connection and try again.";

  const tell = (sentence) => {
    const note = Object.assign(document.createElement("p"), { id: "unsaid", className: "note bad", textContent: sentence });
    document.getElementById("unsaid")?.remove();
    document.getElementById("flash")?.append(note);
    note.scrollIntoView({ block: "nearest" });
  };

  htmx.on("htmx:responseError", ({ detail }) => tell(SAID[detail.xhr.status] ?? OTHER));
  htmx.on("htmx:sendError", () => tell(LOST));
  // A request that succeeds takes away what it found told when it began: what is told meanwhile is not yet read.
  htmx.on("htmx:beforeRequest", ({ detail }) => { detail.requestConfig.told = document.getElementById("unsaid"); });
  htmx.on("htmx:afterRequest", ({ detail }) => {
    if (detail.successful) detail.requestConfig.told?.remove();
  });

  // A button that only a script can serve stays hidden without one.
  for (const box of document.querySelectorAll("[data-print]")) {
    box.hidden = false;
    box.addEventListener("click", () => print());
  }
}
