// What is wrong, at the top, with room kept for it while nothing is. New alerts are read out.

import { byId, element, setData, setText, slots } from "./dom.js";
import { ageOf, span } from "./format.js";

const SHOWN = 3;
const known = new Set();
let announcements = [];

export function alertsPanel(box, openFunnel) {
  const quiet = element("p", "quiet");
  const quietMark = element("span", "mark");
  const quietText = element("span");
  quietMark.setAttribute("aria-hidden", "true");
  quiet.append(quietMark, quietText);
  const list = element("ul");
  const more = element("button", "more");
  more.type = "button";
  more.setAttribute("aria-expanded", "false");
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(open));
    box.classList.toggle("open", open);
  });
  box.append(quiet, list, more);
  let places = 0;
  let fill = () => {};

  function room(count) {
    if (count <= places) return;
    list.replaceChildren();
    places = Math.max(SHOWN, count);
    fill = slots(list, places, place, show);
  }

  function place() {
    const root = element("li", "alert");
    const mark = element("span", "mark");
    const severity = element("span", "unseen");
    const title = element("strong");
    const since = element("span", "since");
    const detail = element("p", "detail");
    const button = element("button", "go", "Show");
    button.type = "button";
    button.addEventListener("click", () => openFunnel(root.dataset.funnel));
    mark.setAttribute("aria-hidden", "true");
    root.append(mark, severity, title, since, detail, button);
    return { root, severity, title, since, detail, button };
  }

  function show({ root, severity, title, since, detail, button }, { alert, funnel, at }) {
    setData(root, "severity", alert.severity);
    setData(root, "alert", alert.id);
    setData(root, "funnel", funnel || "");
    setText(severity, `${alert.severity}: `);
    setText(title, alert.title);
    setText(since, `for ${span(ageOf(alert.since, at))}`);
    setText(detail, alert.detail);
    root.title = alert.detail;
    button.hidden = !funnel;
    button.setAttribute("aria-label", `Show funnel ${funnel}`);
  }

  return (view, funnelOf) => {
    const alerts = view.alerts || [];
    room(alerts.length);
    fill(alerts.map((alert) => ({ alert, funnel: funnelOf(alert), at: view.at })));
    quiet.hidden = alerts.length > 0;
    setData(quietMark, "state", view.alerts ? "ok" : "unknown");
    setText(quietText, view.alerts ? "All quiet: nothing is out of its usual range" : `Alerts are not available: ${view.unavailable.alerts || "not told"}`);
    more.hidden = alerts.length <= SHOWN;
    setText(more, `+${alerts.length - SHOWN} more`);
    announce(alerts);
  };
}

/** Only what is new, and what has ended: a screen reader is not to hear the same again. */
function announce(alerts) {
  const now = new Set(alerts.map((alert) => alert.id));
  const said = alerts.filter((alert) => !known.has(alert.id)).map((alert) => `${alert.severity}: ${alert.title}`);
  const ended = [...known].filter((id) => !now.has(id)).length;
  if (ended) said.push(ended === 1 ? "one alert has ended" : `${ended} alerts have ended`);
  known.clear();
  now.forEach((id) => known.add(id));
  if (said.length) say(said.join(". "));
}

export function say(text) {
  announcements = [...announcements.slice(-4), text];
  setText(byId("announce"), announcements.at(-1));
}
