// Takes pictures that a person uploads, pastes or drops.

// `take(file)` is called with each, or with undefined where there was none; `area` shows that
// something may be dropped.
export function picturesFrom(upload, area, take) {
  upload.addEventListener("change", () => (take(upload.files[0]), (upload.value = "")));
  document.addEventListener("paste", (event) => take(pictureAmong(event.clipboardData)));
  document.addEventListener(
    "dragover",
    (event) => (event.preventDefault(), area.classList.add("dropping")),
  );
  document.addEventListener(
    "dragleave",
    (event) => event.relatedTarget || area.classList.remove("dropping"),
  );
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("dropping");
    take(pictureAmong(event.dataTransfer));
  });
}

const pictureAmong = (transfer) =>
  [...transfer.files].find((file) => file.type.startsWith("image/"));
