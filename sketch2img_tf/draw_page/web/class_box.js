// A field in which a class is searched and chosen, by the pattern "combobox with list" of the ARIA
// practices.

// As choices.plain: case, spaces, hyphens and the two ways to write an accent do not matter.
export const plain = (name) =>
  name
    .normalize("NFC")
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, "_");

export const words = (name) => name.replaceAll("_", " ");

// `names` are the classes; `chosen(name)` is called whenever another one is chosen. Gives { choose,
// name }.
export function classBox(input, list, names, chosen) {
  let current = names[0];
  let found = [];
  let at = 0;

  function choose(name) {
    const isNew = name !== current;
    current = name;
    input.value = words(name);
    close();
    if (isNew) chosen(name);
  }

  function open(wanted) {
    found = matching(names, wanted);
    at = wanted ? 0 : found.indexOf(current);
    list.replaceChildren(...(found.length ? found.map(option) : [nothing()]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark();
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark() {
    found.forEach((_, number) =>
      list.children[number].setAttribute("aria-selected", String(number === at)),
    );
    if (!found.length) return;
    input.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function option(name, number) {
    const item = document.createElement("li");
    Object.assign(item, { id: `class-${number}`, textContent: words(name) });
    item.setAttribute("role", "option");
    item.addEventListener("pointerdown", (event) => (event.preventDefault(), choose(name)));
    return item;
  }

  function nothing() {
    return Object.assign(document.createElement("li"), {
      className: "none",
      textContent: "It knows nothing of that name",
    });
  }

  const keys = {
    ArrowDown: () => (list.hidden ? open("") : (at = Math.min(at + 1, found.length - 1)), mark()),
    ArrowUp: () => (list.hidden ? open("") : (at = Math.max(at - 1, 0)), mark()),
    Enter: () => (list.hidden ? open("") : found.length && choose(found[at])),
    Escape: () => choose(current),
  };
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => (input.select(), open("")));
  // A name that was typed in full counts without Enter.
  input.addEventListener("blur", () =>
    choose(names.find((name) => plain(name) === plain(input.value)) ?? current),
  );

  input.value = words(current);
  return { choose, name: () => current };
}

// Those with it at the start of a word, then those with it anywhere.
function matching(names, wanted) {
  const text = plain(wanted);
  const starts = (name) => `_${plain(name)}`.replace(/[^\p{L}\p{N}]/gu, "_").includes(`_${text}`);
  const anywhere = names.filter((name) => plain(name).includes(text));
  return [...anywhere.filter(starts), ...anywhere.filter((name) => !starts(name))];
}
