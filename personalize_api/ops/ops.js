// The live page: follows the stream and hands each part of the view to its panel.

import { alertsPanel, say } from "./alerts.js";
import { byId, element, setText } from "./dom.js";
import { timeOfDay } from "./format.js";
import { funnelPanel } from "./funnels.js";
import { pagesPanel, rejectedPanel, stagesPanel } from "./lists.js";
import { ratesPanel } from "./rates.js";
import { follow } from "./stream.js";
import { tilesPanel } from "./tiles.js";

const tiles = tilesPanel(byId("tiles"));
const funnels = funnelPanel(byId("tabs"), byId("funnel"));
const alerts = alertsPanel(byId("alerts"), (name) => {
  funnels.choose(name, true);
  byId("funnels").scrollIntoView({ block: "nearest" });
});
const panels = {
  variants: ratesPanel(byId("variants"), "shown", "none"),
  referrers: ratesPanel(byId("referrers"), "entered", "direct or unknown"),
  pages: pagesPanel(byId("pages")),
  stages: stagesPanel(byId("stages")),
  rejected: rejectedPanel(byId("rejected")),
};
let lastState = "";

function draw(view) {
  const names = (view.funnels ?? []).map((funnel) => funnel.name);
  const funnelOf = (alert) => names.find((name) => [`funnel/${name}/`, `entry/${name}/`, `entry/${name}@`].some((begin) => alert.id.startsWith(begin))) ?? "";
  alerts(view, funnelOf);
  tiles(view);
  if (view.funnels) funnels.show(view, new Set((view.alerts ?? []).map(funnelOf).filter(Boolean)));
  for (const [field, show] of Object.entries(panels)) {
    if (view[field]) show(view[field], view.at);
  }
  for (const panel of document.querySelectorAll(".panel")) tellMissing(panel, view);
  setText(byId("site"), view.site);
  byId("at").dateTime = view.at;
  setText(byId("at"), timeOfDay(view.at));
  const count = view.alerts?.length ?? 0;
  const title = `${count ? `(${count}) ` : ""}${view.site} · live`;
  if (document.title !== title) document.title = title;
}

/** A part that cannot be read keeps what it showed last, and says so. */
function tellMissing(panel, view) {
  const why = panel.querySelector(".why");
  const missing = view[panel.dataset.field] === null;
  panel.classList.toggle("off", missing);
  why.hidden = !missing;
  if (missing) setText(why, `not available: ${view.unavailable[panel.dataset.field] ?? "not told"}`);
}

function tellState(state, text) {
  byId("state").dataset.state = state;
  setText(byId("state-text"), text);
  byId("main").classList.toggle("stale", state !== "live" && state !== "waiting");
  if (state !== lastState && (state === "lost" || state === "trouble")) say(text);
  if (state === "live" && (lastState === "lost" || lastState === "trouble")) say("live again");
  lastState = state;
}

function themeSwitch(box) {
  const root = document.documentElement;
  for (const name of ["auto", "light", "dark"]) {
    const label = element("label");
    const input = element("input");
    Object.assign(input, { type: "radio", name: "theme", value: name, checked: root.dataset.chosen === name });
    input.addEventListener("change", () => document.dispatchEvent(new CustomEvent("themechoice", { detail: name })));
    label.append(input, element("span", "", name));
    box.append(label);
  }
}

themeSwitch(byId("theme"));
follow(draw, tellState);
