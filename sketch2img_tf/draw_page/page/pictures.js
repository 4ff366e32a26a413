// What can be done with pictures beside saving them as they are; the page's Python does it.

element.addEventListener("click", (event) => {
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action === "sheet" || action === "keep") trigger(action, {});
  if (action !== "enlarge") return;
  const link = event.target.closest("figcaption").querySelector("a");
  trigger("enlarge", { src: link.getAttribute("href"), name: link.download });
});
