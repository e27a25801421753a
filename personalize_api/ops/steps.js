// The steps of one funnel: how many, how many of the step before, and whether that is usual now.

import { MinuteChart } from "./chart.js";
import { element, setData, setShare, setText } from "./dom.js";
import { number, percent, sum } from "./format.js";

const MANY = 5; // beside more steps a wall has no room for the chart and the table

const VERDICTS = {
  usual: "as usual",
  below: "below usual",
  above: "above usual",
  none: "nobody in 15 min",
  learning: "no past days yet",
};

export function stepList() {
  const root = element("ol", "steps");
  let shape = "";
  let rows = [];
  return {
    root,
    show(funnel, at, alerts) {
      const names = JSON.stringify([funnel.name, funnel.steps.map((step) => step.name)]);
      if (names !== shape) {
        shape = names;
        rows = funnel.steps.map((step) => row(step.name));
        root.replaceChildren(...rows.map((made) => made.root));
        root.dataset.many = String(rows.length > MANY);
      }
      funnel.steps.forEach((step, index) => draw(rows[index], funnel, step, index, at, isTold(alerts, funnel, step)));
    },
  };
}

function row(name) {
  const root = element("li", "step");
  root.dataset.step = name;
  const count = element("span", "count", "0");
  const bar = element("div", "bar");
  const fill = element("i", "fill");
  bar.append(fill);
  bar.setAttribute("aria-hidden", "true");
  const spark = element("div", "spark");
  const from = element("span", "from");
  const share = element("span", "whole");
  const gauge = gaugeOf();
  const title = element("span", "name", name);
  title.title = name;
  root.append(title, count, bar, spark, from, share, gauge.root);
  const chart = new MinuteChart(spark, [{ kind: "line", colour: "--blue", fill: "--blue-soft" }]);
  return { root, count, fill, chart, from, share, gauge };
}

/** A band for the usual range, a tick for the usual share, a dot for now; and the same in words. */
function gaugeOf() {
  const root = element("div", "gauge");
  const track = element("div", "track");
  track.setAttribute("aria-hidden", "true");
  const [band, tick, dot] = ["band", "tick", "dot"].map((name) => element("i", name));
  track.append(band, tick, dot);
  const verdict = element("span", "verdict");
  const mark = element("span", "mark");
  mark.setAttribute("aria-hidden", "true");
  const word = element("span", "word");
  const range = element("span", "range");
  verdict.append(mark, word, range);
  root.append(track, verdict);
  return { root, track, band, tick, dot, mark, word, range };
}

/** What an alert says of the last minutes, fifteen of them may not show yet. */
function isTold(alerts, funnel, step) {
  const subject = `funnel/${funnel.name}/${step.name}`;
  return alerts.some((alert) => alert.id.startsWith(`${subject}@`) || alert.id.startsWith(`${subject}/`));
}

function draw(row, funnel, step, index, at, told) {
  setText(row.count, number(step.count));
  setShare(row.fill, "--share", step.share ?? 0);
  row.root.dataset.first = String(index === 0);
  if (index === 0) {
    const minutes = funnel.minutes.entered;
    setText(row.from, "entered");
    setText(row.share, `${number(sum(minutes))} in the last hour`);
  } else {
    setText(row.from, `${percent(step.from_previous)} of ${funnel.steps[index - 1].name}`);
    setText(row.share, `${percent(step.share)} of all`);
  }
  const arrived = funnel.arrived?.[index];
  if (arrived) row.chart.show(at, [arrived.map((count, minute) => (minute === arrived.length - 1 ? null : count))]);
  row.gauge.root.hidden = index === 0;
  if (index) compare(row.gauge, funnel.now?.[index] ?? null, funnel.usual?.[index] ?? null, told);
}

function compare({ root, track, band, tick, dot, mark, word, range }, now, usual, told) {
  const verdict = told ? "below" : judge(now, usual);
  setData(root, "verdict", verdict);
  setData(mark, "state", { below: "behind", above: "above", usual: "ok" }[verdict] ?? "none");
  const shown = now === null ? "" : `now ${percent(now)}, `;
  setText(word, `${shown}${VERDICTS[verdict]}`);
  setText(range, usual ? ` (${percent(usual.low)} to ${percent(usual.high)})` : "");
  root.title = usual ? `the last 15 minutes; this hour of ${usual.days} past days: ${percent(usual.share)}` : "the last 15 minutes";
  const top = Math.max(now ?? 0, usual?.high ?? 0, 0.02) * 1.12;
  track.classList.toggle("bare", !usual);
  dot.hidden = now === null;
  setShare(dot, "--at", (now ?? 0) / top);
  setShare(band, "--from", (usual?.low ?? 0) / top);
  setShare(band, "--to", (usual?.high ?? 0) / top);
  setShare(tick, "--at", (usual?.share ?? 0) / top);
}

function judge(now, usual) {
  if (now === null) return "none";
  if (!usual) return "learning";
  if (now < usual.low) return "below";
  return now > usual.high ? "above" : "usual";
}
