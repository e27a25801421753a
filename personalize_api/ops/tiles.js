// The big numbers.

import { MinuteChart } from "./chart.js";
import { element, setData, setText } from "./dom.js";
import { number, percent, rate, sum } from "./format.js";

export function tilesPanel(box) {
  const tiles = [
    tile(box, "visitors", "Visitors now", [{ kind: "line", colour: "--blue", fill: "--blue-soft" }]),
    tile(box, "events", "Events a second", [{ kind: "line", colour: "--blue", fill: "--blue-soft" }, { kind: "line", colour: "--orange", dash: [4, 3] }]),
    tile(box, "orders", "Orders, last hour", [{ kind: "bars", colour: "--teal" }]),
    tile(box, "decisions", "Homepages a minute", [{ kind: "line", colour: "--blue", fill: "--blue-soft" }, { kind: "line", colour: "--red", dash: [4, 3] }]),
    tile(box, "rejected", "Refused, last hour", [{ kind: "bars", colour: "--orange" }]),
  ];
  const readers = { visitors, events, orders, decisions, rejected };
  return (view) => {
    for (const { name, root, value, note, chart } of tiles) {
      const told = readers[name](view);
      root.classList.toggle("off", !told);
      if (!told) {
        setText(value, "–");
        setText(note, "not available");
        root.title = view.unavailable[name] || "";
        continue;
      }
      root.title = "";
      setText(value, told.value);
      setText(note, told.note);
      setData(root, "level", told.level || "usual");
      chart.show(view.at, told.columns);
    }
  };
}

function tile(box, name, title, series) {
  const root = element("article", "tile");
  root.dataset.tile = name;
  const value = element("p", "value", "–");
  const note = element("p", "sub", "");
  const spark = element("div", "spark");
  root.append(element("h2", "", title), value, note, spark);
  box.append(root);
  return { name, root, value, note, chart: new MinuteChart(spark, series) };
}

function visitors({ visitors: told }) {
  if (!told) return null;
  return { value: number(told.now), note: "devices in five minutes", columns: [complete(told.minutes)] };
}

function events({ events: told }) {
  if (!told) return null;
  return {
    value: rate(told.per_s),
    note: `bots apart: ${number(sum(told.bots))} an hour`,
    columns: [complete(told.minutes), complete(told.bots)],
  };
}

function orders({ funnels }) {
  const visits = funnels?.find((funnel) => funnel.name === "visits");
  if (!visits) return null;
  const minutes = visits.arrived?.at(-1) ?? visits.minutes.completed;
  const [first, last] = [visits.steps[0], visits.steps.at(-1)];
  const note = first.count ? `${percent(last.share)} of 24 h's visits` : "no visits yet";
  return { value: number(sum(minutes)), note, columns: [minutes] };
}

function decisions({ decisions: told }) {
  if (!told) return null;
  const degraded = sum(told.degraded);
  return {
    value: number(told.minutes.at(-2) ?? 0),
    note: degraded ? `▲ ${number(degraded)} degraded in an hour` : "none degraded in an hour",
    level: degraded ? "attention" : "usual",
    columns: [complete(told.minutes), complete(told.degraded)],
  };
}

function rejected({ rejected: told }) {
  if (!told) return null;
  const reasons = new Set(told.reasons.map((each) => each.reason)).size;
  return {
    value: number(sum(told.minutes)),
    note: reasons ? `${reasons} ${reasons === 1 ? "reason" : "reasons"}` : "none",
    columns: [told.minutes],
  };
}

/** Lines leave the minute out that has only begun: it would look like a fall. */
const complete = (minutes) => minutes.map((count, index) => (index === minutes.length - 1 ? null : count));
