// Tells the page's Python which button at the pictures was clicked: Python enlarges a picture,
// makes a sheet of all, or keeps the drawing. Saving a picture as it is needs no Python.

element.addEventListener("click", (event) => {
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action === "sheet" || action === "keep") trigger(action, {});
  if (action !== "enlarge") return;
  const link = event.target.closest("figcaption").querySelector("a");
  trigger("enlarge", { src: link.getAttribute("href"), name: link.download });
});
