// Numbers and times as they are read from across a room.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const one = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export const number = (value) => (Math.abs(value) < 1e5 ? whole : short).format(value);
export const rate = (value) => (value < 10 ? one : whole).format(value);
export const timeOfDay = (iso) => clock.format(new Date(iso));
export const minuteOfDay = (seconds) => hour.format(new Date(seconds * 1000));

export function percent(ratio) {
  if (ratio === null || ratio === undefined) return "–";
  const value = ratio * 100;
  return `${value !== 0 && Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

export function duration(seconds) {
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  }
  return `${seconds} s`;
}

/** How long: "4 s", "12 min", "3 h". */
export function span(seconds) {
  if (seconds < 0.95) return "0 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

export const ageOf = (iso, now) => Math.max(0, (Date.parse(now) - Date.parse(iso)) / 1000);
export const sum = (counts) => counts.reduce((total, count) => total + count, 0);
export const words = (name) => name.replaceAll("_", " ").replaceAll(".", " ");
