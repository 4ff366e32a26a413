// A file that Python has made, { src, name }, is saved as soon as it is there.

watch("value", () => {
  if (!props.value) return;
  const link = document.createElement("a");
  Object.assign(link, { href: props.value.src, download: props.value.name });
  link.click();
});
