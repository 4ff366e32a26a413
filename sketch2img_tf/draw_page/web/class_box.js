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

// `all` are the classes, `synonyms` what else they are called, by name; `chosen(name)` is called
// whenever another one is chosen. Gives { choose, name, lookThrough }: of these classes alone.
export function classBox(input, list, all, synonyms, chosen) {
  let names = all;
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
    found = matching(names, synonyms, wanted);
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
    const also = synonyms[name]?.join(", ");
    const textContent = also ? `${words(name)} – ${also}` : words(name);
    Object.assign(item, { id: `class-${number}`, textContent });
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
  // A name that was typed in full counts without Enter, and so does another word for one class.
  input.addEventListener("blur", () => choose(named(input.value) ?? current));

  function named(typed) {
    const isIt = (word) => plain(word) === plain(typed);
    const meant = all.filter((name) => (synonyms[name] ?? []).some(isIt));
    return all.find(isIt) ?? (meant.length === 1 ? meant[0] : undefined);
  }

  function lookThrough(some) {
    names = some;
    if (!names.includes(current)) choose(names[0]);
  }

  input.value = words(current);
  return { choose, name: () => current, lookThrough };
}

// Those with it at the start of a word, then those with it anywhere, in their names or what else
// they are called.
function matching(names, synonyms, wanted) {
  const text = plain(wanted);
  const called = (name) => [name, ...(synonyms[name] ?? [])].map(plain);
  const starts = (name) =>
    called(name).some((word) => `_${word}`.replace(/[^\p{L}\p{N}]/gu, "_").includes(`_${text}`));
  const anywhere = names.filter((name) => called(name).some((word) => word.includes(text)));
  return [...anywhere.filter(starts), ...anywhere.filter((name) => !starts(name))];
}
