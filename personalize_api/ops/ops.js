"use strict";
// Follows /v1/live and draws it. Every text from outside is set as text, never as markup.

const STALE_AFTER_MS = 5000;
const ROWS = 12;
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const cards = new Map();
let lastNews = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function percent(ratio) {
  if (ratio === null) return "–";
  const value = ratio * 100;
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;
}

function duration(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  }
  return `${seconds} s`;
}

function setState(state, text) {
  byId("state").dataset.state = state;
  byId("state-text").textContent = text;
  byId("funnels").classList.toggle("stale", state !== "live");
}

function newCard(funnel) {
  const card = element("section");
  card.dataset.funnel = funnel.name;
  const about = element("p", "about");
  const steps = element("ol");
  card.append(element("h2", "", funnel.name), about, steps);
  const rows = funnel.steps.map((step) => {
    const row = element("li", "step");
    row.dataset.step = step.name;
    const count = element("span", "count", "0");
    const bar = element("div", "bar");
    const fill = element("i");
    const rates = element("p", "rates");
    const previous = element("span");
    const share = element("span");
    bar.append(fill);
    rates.append(previous, share);
    row.append(element("span", "name", step.name), count, bar, rates);
    steps.append(row);
    return { row, count, fill, previous, share, value: null };
  });
  const spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  spark.setAttribute("class", "spark");
  spark.setAttribute("preserveAspectRatio", "none");
  spark.setAttribute("role", "img");
  const sparkTitle = element("h3");
  const tableTitle = element("h3");
  const wide = element("div", "wide");
  card.append(sparkTitle, spark, tableTitle, wide);
  byId("funnels").append(card);
  return { card, about, rows, spark, sparkTitle, tableTitle, wide };
}

function drawSteps(view, funnel) {
  funnel.steps.forEach((step, index) => {
    const row = view.rows[index];
    row.row.classList.toggle("moved", row.value !== null && row.value !== step.count);
    row.value = step.count;
    row.count.textContent = number.format(step.count);
    row.fill.style.width = `${Math.min(100, (step.share || 0) * 100)}%`;
    const before = index ? funnel.steps[index - 1].name : "";
    row.previous.textContent = index ? `${percent(step.from_previous)} of ${before}` : "entered";
    row.share.textContent = index ? `${percent(step.share)} of all` : "";
  });
}

function drawMinutes(view, funnel) {
  const { entered, completed } = funnel.minutes;
  const sum = (counts) => counts.reduce((total, count) => total + count, 0);
  const last = funnel.steps[funnel.steps.length - 1].name;
  view.sparkTitle.textContent =
    `Last hour: ${number.format(sum(entered))} entered, of them ${number.format(sum(completed))} to ${last}`;
  view.spark.setAttribute("aria-label", view.sparkTitle.textContent);
  const top = Math.max(1, ...entered);
  view.spark.setAttribute("viewBox", `0 0 ${entered.length * 4} ${top}`);
  const bars = [];
  entered.forEach((count, minute) => {
    for (const [value, kind] of [[count, ""], [completed[minute], "done"]]) {
      if (value <= 0) continue;
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const place = { x: minute * 4, y: top - value, width: 3, height: value, class: kind };
      for (const [name, at] of Object.entries(place)) bar.setAttribute(name, at);
      bars.push(bar);
    }
  });
  view.spark.replaceChildren(...bars);
}

function drawBreakdown(view, funnel) {
  const [field] = Object.keys(funnel.by);
  const values = field ? Object.entries(funnel.by[field]) : [];
  view.tableTitle.hidden = view.wide.hidden = !values.length;
  if (!values.length) return;
  view.tableTitle.textContent =
    `By ${field.replaceAll("_", " ")}` + (values.length > ROWS ? ` (${ROWS} of ${values.length})` : "");
  const table = element("table");
  const head = element("tr");
  head.append(element("th", "", ""), ...funnel.steps.map((step) => element("th", "", step.name)));
  table.append(head);
  for (const [value, steps] of values.slice(0, ROWS)) {
    const row = element("tr");
    row.append(element("td", "", value || "(none)"));
    steps.forEach((step, index) => {
      const cell = element("td", "", number.format(step.count));
      if (index) cell.append(element("small", "", `  ${percent(step.from_previous)}`));
      row.append(cell);
    });
    table.append(row);
  }
  view.wide.replaceChildren(table);
}

function draw(live) {
  byId("site").textContent = live.site;
  byId("empty").hidden = live.funnels.length > 0;
  for (const funnel of live.funnels) {
    const shape = JSON.stringify(funnel.steps.map((step) => step.name));
    let view = cards.get(funnel.name);
    if (!view || view.shape !== shape) {
      if (view) view.card.remove();
      view = { ...newCard(funnel), shape };
      cards.set(funnel.name, view);
    }
    const approximate = funnel.approximate ? ", approximate" : "";
    view.about.textContent =
      `per ${funnel.per}, within ${duration(funnel.within_s)}, last 24 hours${approximate}`;
    drawSteps(view, funnel);
    drawMinutes(view, funnel);
    drawBreakdown(view, funnel);
  }
  const at = new Date(live.at);
  byId("at").dateTime = live.at;
  byId("at").textContent = at.toLocaleTimeString();
}

function follow() {
  const source = new EventSource("/v1/live");
  source.addEventListener("live", (event) => {
    lastNews = Date.now();
    draw(JSON.parse(event.data));
    setState("live", "live");
  });
  source.addEventListener("trouble", (event) => {
    lastNews = Date.now();
    setState("trouble", JSON.parse(event.data).message);
  });
  source.addEventListener("error", () => {
    setState("lost", "connection lost, trying again");
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
}

setInterval(() => {
  const age = Date.now() - lastNews;
  if (lastNews && age > STALE_AFTER_MS) {
    setState("lost", `no news for ${Math.round(age / 1000)} s`);
  }
}, 1000);

follow();
