// Thin wrappers of uPlot: they follow the theme and the size of their box.

import { minuteOfDay, number } from "./format.js";

const MINUTE = 60;
const charts = new Set();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart over the last minutes. `series`: [{kind: "line"|"bars", colour: css variable, dash}]. */
export class MinuteChart {
  constructor(box, series, { axes = false } = {}) {
    this.box = box;
    this.series = series;
    this.axes = axes;
    this.data = null;
    this.plot = null;
    this.key = "";
    new ResizeObserver(() => this.resize()).observe(box);
    charts.add(this);
  }

  /** `columns`: counts a minute, oldest first, one list a series; the newest minute is that of `at`. */
  show(at, columns) {
    const last = Math.floor(Date.parse(at) / 1000 / MINUTE) * MINUTE;
    const key = JSON.stringify([last, columns]);
    if (key === this.key) return;
    this.key = key;
    const length = columns[0].length;
    const times = columns[0].map((_, index) => last - (length - 1 - index) * MINUTE);
    this.data = [times, ...columns];
    if (this.plot) this.plot.setData(this.data);
    else this.make();
  }

  make() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.data || width < 20 || height < 12) return;
    this.plot?.destroy();
    this.plot = new window.uPlot(this.options(width, height), this.data, this.box);
    this.plot.root.setAttribute("aria-hidden", "true");
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.plot) this.make();
    else if (width >= 20 && height >= 12) this.plot.setSize({ width, height });
  }

  options(width, height) {
    const text = { stroke: colour("--soft"), font: `${this.fontSize()}px Inter, system-ui`, ticks: { show: false } };
    const grid = { stroke: colour("--line"), width: 1 };
    return {
      width,
      height,
      padding: this.axes ? [8, 18, 0, 0] : [3, 2, 2, 2],
      cursor: { show: false },
      legend: { show: false },
      select: { show: false },
      scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(1, max) * 1.08] } },
      axes: this.axes
        ? [
            { ...text, grid: { show: false }, size: this.fontSize() * 2, space: 70, values: (_, at) => at.map(minuteOfDay) },
            { ...text, grid, size: this.fontSize() * 3.4, space: 34, values: (_, at) => at.map((value) => (Number.isInteger(value) ? number(value) : "")) },
          ]
        : [{ show: false }, { show: false }],
      series: [{}, ...this.series.map((one) => this.line(one))],
    };
  }

  line({ kind, colour: name, dash, fill, width = 1.6 }) {
    const bars = kind === "bars";
    const paint = colour(name);
    return {
      stroke: bars ? undefined : paint,
      fill: bars ? paint : fill && colour(fill),
      width: bars ? 0 : width,
      dash,
      points: { show: false },
      paths: bars ? window.uPlot.paths.bars({ size: [0.6, 40], radius: 0.15 }) : window.uPlot.paths.linear(),
    };
  }

  fontSize() {
    return Math.round(parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.74);
  }
}

document.addEventListener("themechange", () => charts.forEach((chart) => chart.make()));
