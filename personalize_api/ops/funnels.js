// The funnel panel: a tab a funnel, kept from visit to visit, and the chosen one's steps.

import { breakdown } from "./breakdown.js";
import { MinuteChart } from "./chart.js";
import { element, setData, setText } from "./dom.js";
import { duration, number, percent, sum } from "./format.js";
import { stepList } from "./steps.js";

const KEY = "ff-funnel";
const remembered = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
};

export function funnelPanel(tabs, box) {
  const about = element("p", "about");
  const steps = stepList();
  const charted = element("figure");
  const caption = element("figcaption");
  const plot = element("div", "plot");
  charted.append(caption, plot);
  const table = breakdown();
  const below = element("div", "below");
  below.append(charted, table.root);
  box.append(about, steps.root, below);
  const chart = new MinuteChart(plot, [
    { kind: "line", colour: "--blue", fill: "--blue-soft", width: 2 },
    { kind: "line", colour: "--orange", dash: [6, 3], width: 2.4 },
  ], { axes: true });

  const state = { chosen: remembered(), view: null, buttons: new Map(), troubled: new Set() };

  function choose(name, focus = false) {
    state.chosen = name;
    try {
      localStorage.setItem(KEY, name);
    } catch { /* storage is refused: chosen until the page is left */ }
    draw();
    if (focus) state.buttons.get(name)?.root.focus();
  }

  tabs.addEventListener("keydown", (event) => {
    const names = [...state.buttons.keys()];
    const at = names.indexOf(state.chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(names[(to + names.length) % names.length], true);
  });

  function tabOf(funnel) {
    const root = element("button", "tab");
    root.type = "button";
    root.id = `tab-${state.buttons.size}`;
    root.setAttribute("role", "tab");
    root.setAttribute("aria-controls", box.id);
    root.dataset.tab = funnel.name;
    const mark = element("span", "mark");
    mark.setAttribute("aria-hidden", "true");
    const share = element("span", "share");
    root.append(mark, element("span", "name", funnel.name), share);
    root.addEventListener("click", () => choose(funnel.name));
    return { root, mark, share };
  }

  function drawTabs(funnels) {
    const names = funnels.map((funnel) => funnel.name);
    if (names.join("\n") !== [...state.buttons.keys()].join("\n")) {
      state.buttons.clear();
      for (const funnel of funnels) state.buttons.set(funnel.name, tabOf(funnel));
      tabs.replaceChildren(...[...state.buttons.values()].map((button) => button.root));
    }
    if (!names.includes(state.chosen)) state.chosen = names.includes("checkout") ? "checkout" : names[0];
    for (const funnel of funnels) {
      const { root, mark, share } = state.buttons.get(funnel.name);
      const chosen = funnel.name === state.chosen;
      const trouble = state.troubled.has(funnel.name);
      root.setAttribute("aria-selected", String(chosen));
      root.tabIndex = chosen ? 0 : -1;
      setData(mark, "state", trouble ? "behind" : "none");
      setText(share, percent(funnel.steps.at(-1).share));
      const label = `${funnel.name}, ${percent(funnel.steps.at(-1).share)} complete it${trouble ? ", alert" : ""}`;
      if (root.getAttribute("aria-label") !== label) root.setAttribute("aria-label", label);
      if (chosen) box.setAttribute("aria-labelledby", root.id);
    }
  }

  function draw() {
    const { view } = state;
    if (!view?.funnels?.length) {
      setText(about, view?.funnels ? "No funnel is defined in the site file: add one under funnels." : "");
      return;
    }
    drawTabs(view.funnels);
    const funnel = view.funnels.find((each) => each.name === state.chosen);
    setData(box, "funnel", funnel.name);
    setText(about, told(funnel));
    steps.show(funnel, view.at, view.alerts ?? []);
    const { entered, completed } = funnel.minutes;
    const last = funnel.steps.at(-1).name;
    setText(caption, `Last hour: ${number(sum(entered))} entered (line), ${number(sum(completed))} of them came to ${last} (dashed)`);
    chart.show(view.at, [entered, completed].map(withoutNow));
    table.show(funnel);
  }

  return {
    choose,
    show(view, troubled) {
      state.view = view;
      state.troubled = troubled;
      draw();
    },
  };
}

const withoutNow = (minutes) => minutes.map((count, index) => (index === minutes.length - 1 ? null : count));

function told(funnel) {
  const parts = [`one count a ${funnel.per}`, `within ${duration(funnel.within_s)}`];
  if (funnel.order !== "ordered") parts.push(`${funnel.order} order`);
  if (funnel.since) parts.push(`counted since ${new Date(funnel.since).toLocaleString("en-GB")}`);
  if (funnel.approximate) parts.push("approximate");
  if (funnel.not_live?.length) parts.push(`by ${funnel.not_live.join(", ")}: footfall funnel ${funnel.name}`);
  return parts.join(" · ");
}
