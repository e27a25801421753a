// Making and changing elements. Text from outside is set as text, never as markup, and nothing is
// touched that has not changed: a wall screen must not flicker.

export const byId = (id) => document.getElementById(id);

export function element(tag, className = "", text = undefined) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** A length or share as a custom property, which the strict content policy lets pass. */
export function setShare(node, name, ratio) {
  const value = `${(Math.max(0, Math.min(1, ratio)) * 100).toFixed(2)}%`;
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
}

/** `count` places for items, made once; `show` fills as many as there are, the others stay empty
    and keep their room, so that nothing below moves. */
export function slots(container, count, make, fill) {
  const places = Array.from({ length: count }, () => {
    const place = make();
    place.root.classList.add("empty");
    container.append(place.root);
    return place;
  });
  return (items) => {
    places.forEach((place, index) => {
      const item = items[index];
      place.root.classList.toggle("empty", item === undefined);
      if (item !== undefined) fill(place, item);
    });
  };
}
