// The desk: a question fills the editor, the editor asks, the answer is drawn.

import { editor } from "/editor.js";
import { draw, typeName } from "/result.js";

const LONGEST_ADDRESS = 4000;
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const questions = [...document.querySelectorAll(".question")];
const narrow = window.matchMedia("(max-width: 52rem)");
let running = null;

function say(text, state = "", title = "") {
  byId("state").textContent = text;
  byId("state").dataset.state = state;
  byId("state").title = title;
}

function plural(count, word) {
  return `${number.format(count)} ${word}${count === 1 ? "" : "s"}`;
}

function summary({ rows, more, statistics, columns }) {
  if (!columns.length) return "done";
  const ms = statistics.elapsed * 1000;
  const count = more ? `the first ${plural(rows.length, "row")}` : plural(rows.length, "row");
  return `${count} · ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms · ${plural(statistics.rows_read, "row")} read`;
}

function shellCommand() {
  const quoted = `'${editor.text.trim().replaceAll("'", `'\\''`)}'`;
  const environment = document.body.dataset.environment;
  return `${environment ? `${environment} ` : ""}.venv/bin/footfall sql ${quoted}`;
}

function showQuestion() {
  const text = editor.text.trim();
  const chosen = questions.find((question) => question.dataset.query.trim() === text);
  for (const question of questions) question.removeAttribute("aria-current");
  chosen?.setAttribute("aria-current", "true");
  byId("title").hidden = byId("note").hidden = !chosen;
  byId("about").hidden = Boolean(chosen);
  if (chosen) {
    byId("title").textContent = chosen.textContent;
    byId("note").textContent = chosen.dataset.note;
  }
  byId("command").textContent = shellCommand();
}

function remember(query) {
  const address = `/?q=${encodeURIComponent(query)}`;
  history.replaceState(null, "", address.length < LONGEST_ADDRESS ? address : "/");
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  const query = editor.text.trim();
  const result = byId("result");
  say("asking ClickHouse", "running");
  result.classList.add("stale");
  try {
    const answer = await fetch("/query", { method: "POST", body: query, signal: mine.signal });
    const body = await answer.json();
    if (!answer.ok) {
      say(body.message, "refused", body.detail || "");
      result.hidden = true;
      return;
    }
    remember(query);
    result.hidden = false;
    draw(result, body);
    say(summary(body));
  } catch (error) {
    if (error.name === "AbortError") return;
    say("The desk does not answer. Is the demo still running?", "refused", String(error));
  } finally {
    if (running === mine) result.classList.remove("stale");
  }
}

function drawTables(tables) {
  byId("tables-list").replaceChildren(
    ...tables.map(([name, comment, columns]) => {
      const details = document.createElement("details");
      const summary = document.createElement("summary");
      const code = document.createElement("code");
      const list = document.createElement("dl");
      code.textContent = name;
      summary.append(code, comment);
      for (const [column, type, about] of columns) list.append(...tableColumn(column, type, about));
      details.append(summary, list);
      return details;
    }),
  );
}

function tableColumn(name, type, about) {
  const [term, description] = [document.createElement("dt"), document.createElement("dd")];
  const button = document.createElement("button");
  const small = document.createElement("small");
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", () => editor.insert(name));
  small.textContent = typeName(type);
  term.append(button);
  description.append(about, small);
  return [term, description];
}

async function loadTables() {
  if (byId("tables-list").childElementCount) return;
  const said = byId("tables-state").textContent;
  try {
    const answer = await fetch("/tables");
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message);
    drawTables(body);
    byId("tables-state").textContent = said;
  } catch (error) {
    byId("tables-state").textContent = error.message;
  }
}

async function copyCommand() {
  await navigator.clipboard.writeText(shellCommand());
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
}

for (const question of questions) {
  question.addEventListener("click", () => {
    editor.text = question.dataset.query;
    showQuestion();
    run();
    if (narrow.matches) {
      byId("questions").open = false;
      scrollTo({ top: 0 });
    }
  });
}
if (narrow.matches) byId("questions").open = byId("shell").open = false;
byId("run").addEventListener("click", run);
byId("copy").addEventListener("click", copyCommand);
byId("tables").addEventListener("toggle", loadTables);
editor.start({ changed: showQuestion, run });
showQuestion();
if (document.body.dataset.run === "yes") run();
else say("This query came with a link. Read it, then run it.");
