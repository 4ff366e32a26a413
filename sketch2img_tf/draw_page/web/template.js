// Fills in a template as Gradio's Handlebars does, with values, conditions and lists: others.html
// and kept.html have nothing else.

export function rendered(template, values) {
  const value = (path) => path.split(".").reduce((found, name) => found[name], values);
  return template
    .replace(/{{#if ([\w.]+)}}(.*?){{\/if}}/gs, (_, path, inside) => (value(path) ? inside : ""))
    .replace(/{{#each (\w+)}}(.*?){{\/each}}/gs, (_, path, inside) =>
      value(path)
        .map((each) => rendered(inside, each))
        .join(""),
    )
    .replace(/{{(\w+)}}/g, (_, path) => escaped(String(value(path))));
}

const escaped = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
