// The text area with colours behind it: both lie upon each other and hold the same text.

const TOKEN = new RegExp(
  [
    "(?<co>--[^\\n]*|/\\*[\\s\\S]*?(?:\\*/|$))",
    "(?<st>'(?:[^'\\\\]|\\\\.|'')*(?:'|$))",
    "(?<nu>\\b\\d+(?:\\.\\d+)?\\b)",
    "(?<word>[A-Za-z_]\\w*)",
  ].join("|"),
  "gs",
);
const KEYWORDS = new Set(
  ("SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET WITH AS AND OR NOT IN LIKE ILIKE BETWEEN IS NULL " +
    "JOIN LEFT RIGHT INNER OUTER FULL CROSS ANY ALL ASOF ON USING UNION DISTINCT CASE WHEN THEN ELSE END " +
    "DESC ASC INTERVAL SECOND MINUTE HOUR DAY WEEK MONTH YEAR OVER PARTITION ROWS RANGE ARRAY FINAL " +
    "PREWHERE QUALIFY WINDOW SETTINGS FORMAT TOTALS ROLLUP TRUE FALSE EXPLAIN DESCRIBE SHOW EXISTS").split(" "),
);
const area = document.getElementById("query");
const colours = document.getElementById("colours");

function kind(found, text) {
  const { word, ...rest } = found.groups;
  if (!word) return Object.keys(rest).find((name) => rest[name] !== undefined);
  if (KEYWORDS.has(word.toUpperCase())) return "kw";
  return text[found.index + word.length] === "(" ? "fn" : "";
}

function colour() {
  const text = area.value;
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    const className = kind(found, text);
    if (!className) continue;
    const span = document.createElement("span");
    span.className = className;
    span.textContent = found[0];
    parts.push(text.slice(at, found.index), span);
    at = found.index + found[0].length;
  }
  // a last line that is empty has no height of its own
  parts.push(text.slice(at) + "\n");
  colours.replaceChildren(...parts);
}

export const editor = {
  get text() {
    return area.value;
  },
  set text(text) {
    area.value = text;
    colour();
    document.getElementById("editor").scrollTop = 0;
  },
  insert(text) {
    area.focus();
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  },
  /** `changed` is told of what is typed, `run` of Ctrl or Cmd with Enter. */
  start({ changed, run }) {
    area.addEventListener("input", () => {
      colour();
      changed();
    });
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    });
    colour();
  },
};
