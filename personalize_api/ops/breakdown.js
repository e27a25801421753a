// One funnel by a field of its first step, as a table.

import { element, setData, setText } from "./dom.js";
import { number, percent, words } from "./format.js";

const ROWS = 5;

export function breakdown() {
  const root = element("div", "breakdown");
  const fields = element("div", "fields");
  fields.setAttribute("role", "group");
  fields.setAttribute("aria-label", "Break down by");
  const wide = element("div", "wide");
  const table = element("table");
  const caption = element("caption", "unseen");
  const head = element("thead");
  const body = element("tbody");
  table.append(caption, head, body);
  wide.append(table);
  root.append(fields, wide);
  const chosen = new Map(); // funnel -> field
  let shape = "";
  let funnel = null;

  function choose(field) {
    chosen.set(funnel.name, field);
    draw();
  }

  function build(names, field) {
    fields.replaceChildren(
      ...names.map((name) => {
        const button = element("button", "field", `by ${words(name)}`);
        button.type = "button";
        button.setAttribute("aria-pressed", String(name === field));
        button.addEventListener("click", () => choose(name));
        return button;
      }),
    );
    const top = element("tr");
    top.append(heading(words(field), "col"), ...funnel.steps.map((step) => heading(step.name, "col")));
    head.replaceChildren(top);
    body.replaceChildren(
      ...Array.from({ length: ROWS }, () => {
        const row = element("tr");
        row.append(heading("", "row"), ...funnel.steps.map(() => cell()));
        return row;
      }),
    );
  }

  function draw() {
    const names = Object.keys(funnel.by).filter((name) => !funnel.not_live?.includes(name));
    root.hidden = !names.length;
    if (!names.length) return;
    const field = names.includes(chosen.get(funnel.name)) ? chosen.get(funnel.name) : names[0];
    const now = JSON.stringify([funnel.name, names, field, funnel.steps.map((step) => step.name)]);
    if (now !== shape) {
      const focused = fields.contains(document.activeElement);
      shape = now;
      build(names, field);
      if (focused) fields.querySelector('[aria-pressed="true"]').focus();
    }
    const values = Object.entries(funnel.by[field]);
    setText(caption, `Funnel ${funnel.name} by ${words(field)}, the ${ROWS} largest`);
    [...body.rows].forEach((row, index) => fill(row, values[index], field));
  }

  return {
    root,
    show(next) {
      funnel = next;
      draw();
    },
  };
}

export const named = (value, field) => value || (field.includes("referrer") ? "direct or unknown" : "none");

function heading(text, scope) {
  const made = element("th", "", text);
  made.scope = scope;
  return made;
}

function cell() {
  const made = element("td");
  made.append(element("span"), element("small"));
  return made;
}

function fill(row, entry, field) {
  row.classList.toggle("empty", !entry);
  const [value, steps] = entry ?? ["", []];
  const [name, ...cells] = row.cells;
  setText(name, entry ? named(value, field) : "");
  setData(row, "value", value);
  name.title = value;
  cells.forEach((one, index) => {
    const [count, share] = one.children;
    const step = steps[index];
    setText(count, step ? number(step.count) : "");
    setText(share, step && index ? percent(step.from_previous) : "");
  });
}
