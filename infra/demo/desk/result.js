// An answer as a table. Every value from outside is set as text, never as markup.

const NUMBER = /^(Nullable\(|LowCardinality\()*(U?Int|Float|BFloat|Decimal)/;
const FLOAT = /^(Nullable\()?B?Float/;
const COUNT = /^(Nullable\()?U?Int(64|128|256)/;
const PLAIN = /^(Nullable\(|LowCardinality\()*(UUID|DateTime|Date|IPv|FixedString)/;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** What stands in the cell; the exact value is its title where that is shorter. */
function shown(value, column) {
  if (typeof value === "object") return JSON.stringify(value);
  const text = String(value);
  if (FLOAT.test(column.type) && text.length > 9) return String(Number(Number(value).toPrecision(6)));
  // counts are of 64 bits; what is smaller may be a year or a status
  if (COUNT.test(column.type)) return text.replace(/\B(?=(\d{3})+$)/g, ",");
  return text;
}

function exact(value) {
  return typeof value === "object" ? JSON.stringify(value, null, 1) : String(value);
}

function cell(value, column) {
  const made = element("td", column.className);
  if (value === null) {
    made.append(element("span", "null", "NULL"));
    return made;
  }
  const text = shown(value, column);
  if (column.share && Number.isFinite(Number(value))) {
    const bar = element("i");
    bar.style.width = `${Math.max(0, Math.min(100, Number(value)))}%`;
    made.append(bar, element("b", "", text));
  } else {
    made.textContent = text;
  }
  if (value === true) made.classList.add("yes");
  if (text !== exact(value) || text.length > 32) made.title = exact(value);
  return made;
}

function described(column) {
  const number = NUMBER.test(column.type);
  const share = number && column.name.endsWith("_pct");
  const className = share ? "number share" : number ? "number" : PLAIN.test(column.type) ? "mono" : "";
  return { ...column, number, share, className };
}

/** Without what says how it is stored: LowCardinality(String) is a String. */
export function typeName(type) {
  return type.replace(/LowCardinality\((.*)\)/, "$1").replace(/^JSON\(.*$/, "JSON").replace(", 'UTC'", "");
}

function compare(a, b, number) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (number) return Number(a) - Number(b);
  return exact(a) < exact(b) ? -1 : exact(a) > exact(b) ? 1 : 0;
}

/** Draws an answer of POST /query into `place`. A click on a column's name sorts by it. */
export function draw(place, answer) {
  const columns = answer.columns.map(described);
  if (!answer.rows.length) {
    place.replaceChildren(element("p", "soft", "No rows. That is an answer, too."));
    return;
  }
  const head = element("tr");
  const body = element("tbody");
  const fill = (rows) => {
    body.replaceChildren(
      ...rows.map((row) => {
        const line = element("tr");
        line.append(...row.map((value, index) => cell(value, columns[index])));
        return line;
      }),
    );
  };
  columns.forEach((column, index) => {
    const title = element("th", column.number ? "number" : "");
    title.scope = "col";
    const button = element("button");
    button.type = "button";
    button.title = `${column.type}; click to sort`;
    button.append(element("span", "", column.name), element("small", "", typeName(column.type)));
    button.addEventListener("click", () => {
      const first = column.number ? "descending" : "ascending";
      const way = title.ariaSort === first ? (column.number ? "ascending" : "descending") : first;
      for (const other of head.children) other.removeAttribute("aria-sort");
      title.ariaSort = way;
      const sign = way === "ascending" ? 1 : -1;
      fill([...answer.rows].sort((a, b) => sign * compare(a[index], b[index], column.number)));
    });
    title.append(button);
    head.append(title);
  });
  fill(answer.rows);
  const table = element("table");
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  place.replaceChildren(table);
  place.scrollTo(0, 0);
}
