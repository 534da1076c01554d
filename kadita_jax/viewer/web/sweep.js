"use strict";

const STATE = "state";
const metricOf = (wanted) => about.metrics.find(({ name }) => name === wanted);

/** Every metric and state, by points: their indices along each axis. */
class Sweep {
  constructor(arrays) {
    Object.assign(this, arrays);
    this.shape = about.axes.map(({ values }) => values.length);
  }

  /** The number of a point in the flat arrays. */
  at(point) {
    return point.reduce((number, index, axis) => number * this.shape[axis] + index, 0);
  }

  /** Why a point has no value, or "". */
  reason(metric, at) {
    const isThere = metric === STATE ? this.leading[at] >= 0 : Number.isFinite(this[metric][at]);
    return isThere ? "" : about.reasons[this.is_invalid[at] ? 0 : 1];
  }

  colour(metric, at) {
    if (metric === STATE) return css(this.state_colours, at);
    const { low, high, colours } = metricOf(metric);
    const share = (this[metric][at] - low) / (high - low);
    return css(this[colours], Math.round(255 * within(share, 1)));
  }

  /** What is said of a point where the pointer is. */
  lines(metric, point) {
    const at = this.at(point);
    const reason = this.reason(metric, at);
    const lines = [inWords(point)];
    if (reason) lines.push(reason);
    else if (metric !== STATE) lines.push(`${metricOf(metric).label}: ${this.value(metric, at)}`);
    if (this.leading[at] >= 0) lines.push(`state: ${about.states[this.leading[at]].name}`);
    if (this.fell_apart[at]) lines.push(about.fell_apart_words);
    return lines;
  }

  value(metric, at) {
    const error = this[`${metric}_error`][at];
    return written(this[metric][at]) + (Number.isFinite(error) ? ` ± ${written(error, 2)}` : "");
  }

  /** All metrics of a point, as the rows of a table. */
  rows(point) {
    const at = this.at(point);
    const heads = ["", "mean", "std", "error"].map((word) => make("th", {}, word));
    const rows = about.metrics.map(({ name, label }) => {
      const numbers = [this[name], this[`${name}_deviation`], this[`${name}_error`]];
      const cells = numbers.map((values, k) => make("td", { className: "number" }, written(values[at], k ? 2 : 3)));
      return make("tr", {}, make("td", {}, label), ...cells);
    });
    const several = `std: standard deviation of ${about.n_replicates} replicates' means; error: standard error of their mean`;
    const note = about.n_replicates > 1 ? several : "one replicate";
    return [make("tr", {}, ...heads), ...rows, make("caption", {}, note)];
  }

  /** The share of a point's replicates in each state, as bars. */
  bars(point) {
    if (!("shares" in this)) return [];
    const first = this.at(point) * about.states.length;
    return about.states.map(({ name, colour }, state) => {
      const percent = 100 * this.shares[first + state];
      const bar = make("div", { className: "bar" });
      bar.style.cssText = `width: ${percent}px; background: ${colour}`;
      return make("div", { className: "row" }, make("span", { className: "state" }, name), `${Math.round(percent)} %`, bar);
    });
  }
}

/** A point in words. */
const inWords = (point) =>
  about.axes.map(({ name, values, unit }, axis) => `${name} ${values[point[axis]]} ${unit}`.trim()).join(", ");

/** A number as a person would write it; what there is none of as a dash. */
function written(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  // Shorter so, and as wide as its neighbours in the table.
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(digits)));
}
