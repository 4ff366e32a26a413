// The same drawing as something else, by one click.

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-label]");
  if (button) trigger("another", { label: button.dataset.label });
});
