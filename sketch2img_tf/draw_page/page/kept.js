// Tells the page's Python which kept drawing was clicked. Kept drawings are in the page alone,
// which sends them along when one more is kept.

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-id]");
  if (button) trigger("again", { id: button.dataset.id });
});
