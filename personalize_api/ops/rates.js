// Order rates as points with their intervals on one scale: what overlaps is not told apart.

import { element, setData, setShare, setText, slots } from "./dom.js";
import { number, percent } from "./format.js";

const SHOWN = 8;
const FEW = 30; // below this many no verdict

/** `count`: the field that says how many there were; `nobody`: what an empty value is called. */
export function ratesPanel(panel, count, nobody) {
  const list = element("ol", "rates");
  const scale = element("p", "scale");
  scale.setAttribute("aria-hidden", "true");
  const [zero, middle, top] = ["0", "", ""].map((text) => element("span", "", text));
  scale.append(zero, middle, top);
  const none = element("p", "none", "nothing counted yet");
  panel.append(list, none, scale);
  const fill = slots(list, SHOWN, place, (made, item) => draw(made, item, count, nobody));
  return (rates) => {
    const end = niceEnd(Math.max(0.01, ...rates.filter((each) => each[count] >= FEW).map((each) => each.high)));
    fill(rates.slice(0, SHOWN).map((each) => ({ ...each, end })));
    none.hidden = rates.length > 0;
    scale.hidden = !rates.length;
    setText(middle, percent(end / 2));
    setText(top, percent(end));
  };
}

function place() {
  const root = element("li", "rate");
  const name = element("span", "name");
  const plot = element("div", "interval");
  plot.setAttribute("aria-hidden", "true");
  const band = element("i", "band");
  const dot = element("i", "dot");
  plot.append(band, dot);
  const value = element("span", "value");
  const note = element("span", "n");
  root.append(name, plot, value, note);
  return { root, name, band, dot, value, note };
}

function draw({ root, name, band, dot, value, note }, item, count, nobody) {
  const few = item[count] < FEW;
  setText(name, item.value || nobody);
  name.title = item.value;
  setData(root, "value", item.value);
  setData(root, "few", String(few));
  setShare(dot, "--at", item.rate / item.end);
  setShare(band, "--from", item.low / item.end);
  setShare(band, "--to", item.high / item.end);
  setText(value, percent(item.rate));
  setText(note, few ? `few: ${number(item[count])}` : `of ${number(item[count])}`);
  const interval = `between ${percent(item.low)} and ${percent(item.high)}`;
  root.title = `${number(item.ordered)} of ${number(item[count])} ordered: ${percent(item.rate)}, ${interval}`;
}

/** The least of 1 to 6, 8, 10 times a power of ten that holds everything. */
function niceEnd(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((each) => each * power >= most - 1e-9);
  return Math.min(1, step * power);
}
