// Saves the file that Python made, { src, name }, as soon as it is there.

watch("value", () => {
  if (!props.value) return;
  const link = document.createElement("a");
  Object.assign(link, { href: props.value.src, download: props.value.name });
  link.click();
});
