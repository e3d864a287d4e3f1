// Small helpers for the page's elements.
export const byId = (id) => document.getElementById(id);

// make('button', { className: 'primary', textContent: 'Join' }, child...): attributes with a hyphen
// (aria-label) are set as such, all others as properties.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

// Brings the children of `parent` into the order of `wanted` and takes out all others, moving only
// those that are out of place: a <video> that is moved blinks.
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((element, index) => {
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
}
