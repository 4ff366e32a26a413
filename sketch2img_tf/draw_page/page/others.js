// Tells the page's Python as which other class the same sketch is to be drawn.

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-label]");
  if (button) trigger("another", { label: button.dataset.label });
});
