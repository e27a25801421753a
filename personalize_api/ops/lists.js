// Top pages, the pipeline's stages, refused events.

import { element, setData, setShare, setText, slots } from "./dom.js";
import { ageOf, number, span, words } from "./format.js";

const PAGES = 8;
const STAGES = 14;
const REASONS = 8;

export function pagesPanel(panel) {
  const list = element("ol", "pages");
  const none = element("p", "none", "no page was viewed");
  panel.append(list, none);
  const fill = slots(list, PAGES, pagePlace, ({ bar, path, views }, item) => {
    setText(path, item.path || "all others");
    path.title = item.path;
    setText(views, number(item.views));
    setShare(bar, "--share", item.views / item.most);
  });
  return (pages) => {
    const most = Math.max(1, ...pages.map((page) => page.views));
    fill(pages.slice(0, PAGES).map((page) => ({ ...page, most })));
    none.hidden = pages.length > 0;
  };
}

function pagePlace() {
  const root = element("li", "page");
  const bar = element("i", "fill");
  bar.setAttribute("aria-hidden", "true");
  const path = element("span", "path");
  const views = element("span", "views");
  root.append(bar, path, views);
  return { root, bar, path, views };
}

/** In the order of the flow; what is not named here comes last, under its own name. */
const STAGE_NAMES = {
  collect: "collector",
  "collect.publish": "collector",
  "collect.spool": "collector's spool",
  "stream.raw": "stream: devices",
  "stream.registers": "stream: persons",
  "stream.aliases": "stream: aliases",
  "stream.sightings": "stream: log lines",
  "stream.rejected": "stream: refused",
  "sink.events": "sink: events",
  "sink.decisions": "sink: decisions",
  "sink.identity": "sink: identities",
  "sink.corrections": "sink: corrections",
  "sink.resolutions": "sink: resolutions",
  "sink.rejected": "sink: refused",
  personalize: "personalization",
  "personalize.decisions": "personalization",
};
const ORDER = Object.keys(STAGE_NAMES);
const place = (stage) => (ORDER.indexOf(stage.name) + ORDER.length + 1) % (ORDER.length + 1);

export function stagesPanel(panel) {
  const list = element("ol", "stages");
  const none = element("p", "none", "no service has reported yet");
  panel.append(list, none);
  const fill = slots(list, STAGES, stagePlace, ({ root, mark, name, told }, stage) => {
    setData(root, "stage", stage.name);
    setData(root, "state", stage.state);
    setData(mark, "state", stage.state);
    setText(name, STAGE_NAMES[stage.name] ?? stage.name.replace(".", ": "));
    setText(told, standing(stage));
    root.title = `${stage.name}${stage.partitions ? `, ${stage.partitions} partitions` : ""}`;
  });
  return (stages, at) => {
    const troubled = stages.length > STAGES ? stages.filter((stage) => stage.state !== "ok") : [];
    const others = stages.filter((stage) => !troubled.includes(stage)).sort((a, b) => place(a) - place(b));
    fill([...troubled, ...others].slice(0, STAGES).map((stage) => ({ ...stage, now: at })));
    none.hidden = stages.length > 0;
  };
}

function standing({ behind, behind_s, at, now, state }) {
  if (state === "silent") return `silent for ${span(ageOf(at, now))}`;
  if (!behind) return "up to date";
  return `${number(behind)} ${state === "behind" ? "behind" : "waiting"}, ${span(behind_s)}`;
}

function stagePlace() {
  const root = element("li", "stage");
  const mark = element("span", "mark");
  mark.setAttribute("aria-hidden", "true");
  const [name, told] = ["name", "told"].map((each) => element("span", each));
  root.append(mark, name, told);
  return { root, mark, name, told };
}

export function rejectedPanel(panel) {
  const list = element("ol", "reasons");
  const none = element("p", "none", "every event was taken");
  panel.append(list, none);
  const fill = slots(list, REASONS, reasonPlace, ({ root, reason, protocol, count, newest }, item) => {
    setData(root, "reason", item.reason);
    setText(reason, words(item.reason));
    setText(protocol, item.protocol);
    setText(count, number(item.count));
    setText(newest, `${span(ageOf(item.newest_at, item.now))} ago`);
  });
  return (rejected, at) => {
    fill(rejected.reasons.slice(0, REASONS).map((item) => ({ ...item, now: at })));
    none.hidden = rejected.reasons.length > 0;
  };
}

function reasonPlace() {
  const root = element("li", "reason");
  const [reason, protocol, newest, count] = ["what", "by", "newest", "count"].map((each) => element("span", each));
  root.append(reason, protocol, newest, count);
  return { root, reason, protocol, count, newest };
}
