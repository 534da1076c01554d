"use strict";

const KEYS = [
  ["← → ↑ ↓", "move the chosen point"],
  ["m", "next metric"],
  ["s", "states"],
  ["x", "swap the two axes"],
  ["?", "this list"],
];
const STATE = "state";
const MARGIN = { left: 78, right: 18, top: 10, bottom: 52 };

/** Points by their indices along each axis. */
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
    const { low, high, colours } = about.metrics.find(({ name }) => name === metric);
    const share = (this[metric][at] - low) / (high - low);
    return css(this[colours], Math.round(255 * Math.max(0, Math.min(1, share))));
  }
}

/** A number as a person would write it; what there is none of as a dash. */
function written(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  // Shorter so, and as wide as its neighbours in the table.
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(digits)));
}

class Phase {
  constructor(sweep) {
    this.sweep = sweep;
    this.metric = about.metrics[0].name;
    this.across = 0;
    this.up = about.axes.length > 1 ? 1 : null;
    // Where the map is cut, and the chosen point once there is one.
    this.cut = sweep.shape.map((size) => Math.floor(size / 2));
    this.chosen = null;
    this.hovered = null;
    this.fill();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(find("stage"));
    this.refresh();
  }

  fill() {
    find("title").textContent = about.title;
    find("subtitle").textContent = [about.subtitle, about.where].filter(Boolean).join(" · ");
    if ("shares" in this.sweep) find("metric").append(make("option", { value: STATE }, "most frequent state"));
    for (const { name, label } of about.metrics) find("metric").append(make("option", { value: name }, label));
    for (const id of ["across", "up"]) {
      about.axes.forEach(({ label }, axis) => find(id).append(make("option", { value: axis }, label)));
    }
    find("upwards").hidden = this.up === null;
    for (const [key, use] of KEYS) {
      const keys = key.split(" ").flatMap((one) => [make("kbd", {}, one), " "]);
      find("keys").append(make("tr", {}, make("td", {}, ...keys), make("td", {}, use)));
    }
  }

  listen() {
    const map = find("map");
    const on = (id, use) => find(id).addEventListener("change", ({ target }) => use(target.value));
    on("metric", (value) => this.show(value));
    on("across", (value) => this.turn(Number(value), this.up));
    on("up", (value) => this.turn(this.across, Number(value)));
    map.addEventListener("pointermove", (event) => this.hover(event));
    map.addEventListener("pointerleave", () => this.leave());
    map.addEventListener("click", (event) => this.choose(this.pointAt(event)));
    find("help").addEventListener("click", () => find("shortcuts").showModal());
    const names = () => about.metrics.map(({ name }) => name);
    const step = (axis, by) => () => this.step(axis(), by);
    onKeys({
      ArrowLeft: step(() => this.across, -1),
      ArrowRight: step(() => this.across, 1),
      ArrowDown: step(() => this.up, -1),
      ArrowUp: step(() => this.up, 1),
      m: () => this.show(names()[(names().indexOf(this.metric) + 1) % names().length]),
      s: () => "shares" in this.sweep && this.show(STATE),
      x: () => this.up !== null && this.turn(this.up, this.across),
      "?": () => find("shortcuts").showModal(),
    });
  }

  show(metric) {
    this.metric = metric;
    this.refresh();
  }

  /** Takes two axes; the one that both would be goes where the other was. */
  turn(across, up) {
    if (across === up) [across, up] = [this.up, this.across];
    Object.assign(this, { across, up });
    this.refresh();
  }

  choose(point) {
    if (!point) return;
    this.chosen = this.cut = point;
    this.refresh();
  }

  step(axis, by) {
    if (axis === null) return;
    const point = [...(this.chosen ?? this.cut)];
    if (this.chosen) point[axis] = Math.max(0, Math.min(this.sweep.shape[axis] - 1, point[axis] + by));
    this.choose(point);
  }

  refresh() {
    find("metric").value = this.metric;
    find("across").value = this.across;
    find("up").value = this.up;
    this.slide();
    this.explain();
    this.draw();
    this.tell();
    this.tellAll();
  }

  /** A slider for each axis that the map does not show. */
  slide() {
    const hidden = about.axes.map((_, axis) => axis).filter((axis) => axis !== this.across && axis !== this.up);
    const rows = hidden.map((axis) => {
      const { name, values, unit } = about.axes[axis];
      const told = make("output", {}, `${values[this.cut[axis]]} ${unit}`);
      const slider = make("input", { type: "range", min: 0, max: values.length - 1, value: this.cut[axis], ariaLabel: name });
      slider.addEventListener("input", () => {
        this.cut = this.cut.with(axis, Number(slider.value));
        this.chosen &&= this.cut;
        told.textContent = `${values[this.cut[axis]]} ${unit}`;
        this.draw();
        this.tellAll();
      });
      return make("label", { className: "row" }, make("span", { className: "name" }, name), slider, told);
    });
    find("others").replaceChildren(...rows);
  }

  explain() {
    if (this.metric === STATE) {
      const present = about.states.filter((_, state) => this.sweep.leading.includes(state));
      const note = make("p", {}, about.n_replicates > 1 ? "paler where replicates disagree" : "of the one replicate");
      find("legend").replaceChildren(...present.map(({ name, colour }) => swatch(colour, name)), note);
      return;
    }
    const { colours, ends } = about.metrics.find(({ name }) => name === this.metric);
    find("legend").replaceChildren(...ramp(this.sweep[colours], ...ends));
  }

  /** The point in column i and row j of the map. */
  point(i, j) {
    const point = this.cut.with(this.across, i);
    return this.up === null ? point : point.with(this.up, j);
  }

  draw() {
    const { context, width, height } = sharp(find("map"));
    const across = about.axes[this.across];
    const up = this.up === null ? { label: "", edges: [0, 1], values: [""] } : about.axes[this.up];
    const x = across.edges.map((share) => MARGIN.left + share * (width - MARGIN.left - MARGIN.right));
    // A sweep over one axis is a row.
    const tall = this.up === null ? Math.min(160, height - MARGIN.top - MARGIN.bottom) : height - MARGIN.top - MARGIN.bottom;
    const y = up.edges.map((share) => MARGIN.top + (1 - share) * tall);
    Object.assign(this, { context, x, y });
    for (let i = 0; i + 1 < x.length; i++) for (let j = 0; j + 1 < y.length; j++) this.cell(i, j);
    this.borders();
    this.ticks(across, up);
    if (this.chosen) this.outline(this.chosen, 2.5);
    if (this.hovered) this.outline(this.hovered, 1.2);
  }

  box(i, j) {
    return [this.x[i], this.y[j + 1], this.x[i + 1] - this.x[i], this.y[j] - this.y[j + 1]];
  }

  cell(i, j) {
    const { context, sweep } = this;
    const at = sweep.at(this.point(i, j));
    const reason = sweep.reason(this.metric, at);
    context.fillStyle = reason ? style("wash") : sweep.colour(this.metric, at);
    const [left, top, wide, high] = this.box(i, j);
    // Half a pixel more, so that no seam shows between cells.
    context.fillRect(left, top, wide + 0.5, high + 0.5);
    if (reason) this.hatch(left, top, wide, high, reason === about.reasons[0]);
  }

  /** Lines where the radii are out of order, dots where there is no value; both go on in the next cell. */
  hatch(left, top, wide, high, isInvalid) {
    const { context } = this;
    const gap = 8;
    context.save();
    context.beginPath();
    context.rect(left, top, wide, high);
    context.clip();
    context.strokeStyle = context.fillStyle = style("faint");
    context.beginPath();
    const first = Math.floor((left + top) / gap) * gap;
    for (let sum = first; isInvalid && sum < left + wide + top + high; sum += gap) {
      context.moveTo(sum - top, top);
      context.lineTo(sum - top - high, top + high);
    }
    context.stroke();
    for (let u = Math.floor(left / gap) * gap; !isInvalid && u < left + wide; u += gap) {
      for (let v = Math.floor(top / gap) * gap; v < top + high; v += gap) context.fillRect(u, v, 2, 2);
    }
    context.restore();
  }

  /** Lines between neighbours in different states, with a halo to be seen on any colour. */
  borders() {
    const { context, sweep, x, y } = this;
    const state = (i, j) => sweep.leading[sweep.at(this.point(i, j))];
    const differ = (one, other) => one >= 0 && other >= 0 && one !== other;
    context.beginPath();
    for (let i = 0; i + 1 < x.length; i++) {
      for (let j = 0; j + 1 < y.length; j++) {
        if (i + 2 < x.length && differ(state(i, j), state(i + 1, j))) {
          context.moveTo(x[i + 1], y[j]);
          context.lineTo(x[i + 1], y[j + 1]);
        }
        if (j + 2 < y.length && differ(state(i, j), state(i, j + 1))) {
          context.moveTo(x[i], y[j + 1]);
          context.lineTo(x[i + 1], y[j + 1]);
        }
      }
    }
    for (const [name, wide] of [["paper", 3], ["ink", 1.2]]) {
      context.strokeStyle = style(name);
      context.lineWidth = wide;
      context.stroke();
    }
  }

  outline([...point], wide) {
    const j = this.up === null ? 0 : point[this.up];
    for (const [name, more] of [["paper", 2], ["ink", 0]]) {
      this.context.strokeStyle = style(name);
      this.context.lineWidth = wide + more;
      this.context.strokeRect(...this.box(point[this.across], j));
    }
  }

  /** Values at the middle of cells, as many as have room, and the names of the axes. */
  ticks(across, up) {
    const { context, x, y } = this;
    context.fillStyle = style("muted");
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.textAlign = "center";
    const foot = Math.max(...y);
    const widest = Math.max(...across.values.map((value) => context.measureText(value).width));
    roomy(x, widest + 10).forEach((i) => context.fillText(across.values[i], (x[i] + x[i + 1]) / 2, foot + 17));
    context.fillText(across.label, (x[0] + x.at(-1)) / 2, foot + 38);
    context.textAlign = "right";
    roomy(y, 20).forEach((j) => context.fillText(up.values[j], x[0] - 7, (y[j] + y[j + 1]) / 2 + 4));
    context.save();
    context.translate(18, (y[0] + y.at(-1)) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(up.label, 0, 0);
    context.restore();
  }

  pointAt(event) {
    const { left, top } = find("map").getBoundingClientRect();
    const i = between(this.x, event.clientX - left);
    const j = between(this.y, event.clientY - top);
    return i < 0 || j < 0 ? null : this.point(i, j);
  }

  hover(event) {
    this.hovered = this.pointAt(event);
    this.draw();
    this.tell();
    if (!this.hovered) return;
    const { left, top, width, height } = find("stage").getBoundingClientRect();
    const { offsetWidth, offsetHeight } = find("tip");
    // Beside the pointer, on the side that has room.
    const right = event.clientX - left + 14;
    const below = event.clientY - top + 14;
    find("tip").style.left = `${right + offsetWidth < width ? right : right - offsetWidth - 28}px`;
    find("tip").style.top = `${below + offsetHeight < height ? below : below - offsetHeight - 28}px`;
  }

  /** Writes the tooltip. */
  tell() {
    const lines = this.hovered ? this.lines(this.hovered) : [];
    find("tip").hidden = !this.hovered;
    find("tip").replaceChildren(...lines.map((line) => make("div", {}, line)));
  }

  leave() {
    this.hovered = null;
    this.tell();
    this.draw();
  }

  /** What the tooltip says of a point. */
  lines(point) {
    const { sweep, metric } = this;
    const at = sweep.at(point);
    const lines = [place(point)];
    const known = about.metrics.find(({ name }) => name === metric);
    if (known) {
      const error = sweep[`${metric}_error`][at];
      const spread = Number.isFinite(error) ? ` ± ${written(error, 2)}` : "";
      lines.push(sweep.reason(metric, at) || `${known.label}: ${written(sweep[metric][at])}${spread}`);
    } else if (sweep.reason(metric, at)) {
      lines.push(sweep.reason(metric, at));
    }
    if (sweep.leading[at] >= 0) lines.push(`state: ${about.states[sweep.leading[at]].name}`);
    if (sweep.fell_apart[at]) lines.push(about.fell_apart_words);
    return lines;
  }

  /** All metrics of the chosen point, and the share of its replicates in each state. */
  tellAll() {
    if (!this.chosen) return;
    const { sweep } = this;
    const at = sweep.at(this.chosen);
    find("where").textContent = [place(this.chosen), sweep.is_invalid[at] ? about.reasons[0] : ""].filter(Boolean).join(": ");
    const heads = ["", "mean", "std", "error"].map((word) => make("th", {}, word));
    const rows = about.metrics.map(({ name, label }) => {
      const numbers = [sweep[name], sweep[`${name}_deviation`], sweep[`${name}_error`]];
      const cells = numbers.map((values, k) => make("td", { className: "number" }, written(values[at], k ? 2 : 3)));
      return make("tr", {}, make("td", {}, label), ...cells);
    });
    const note = `std: standard deviation of ${about.n_replicates} replicates' means; error: standard error of their mean`;
    find("all").replaceChildren(make("tr", {}, ...heads), ...rows, make("caption", {}, about.n_replicates > 1 ? note : "one replicate"));
    find("states").replaceChildren(...("shares" in sweep ? this.shares(at) : []));
  }

  shares(at) {
    return about.states.map(({ name, colour }, state) => {
      const share = this.sweep.shares[at * about.states.length + state];
      const bar = make("div", { className: "bar" });
      bar.style.cssText = `width: ${100 * share}px; background: ${colour}`;
      return make("div", { className: "row" }, make("span", { className: "state" }, name), `${Math.round(100 * share)} %`, bar);
    });
  }
}

/** A point in words. */
const place = (point) =>
  about.axes.map(({ name, values, unit }, axis) => `${name} ${values[point[axis]]} ${unit}`.trim()).join(", ");

/** Cells whose labels stand at least so many pixels apart. */
function roomy(edges, apart) {
  const found = [];
  let last = -Infinity;
  for (let k = 0; k + 1 < edges.length; k++) {
    const middle = (edges[k] + edges[k + 1]) / 2;
    if (Math.abs(middle - last) >= apart) found.push(k), (last = middle);
  }
  return found;
}

/** The cell whose edges, rising or falling, a place lies between; -1 for none. */
const between = (edges, at) =>
  edges.slice(1).findIndex((edge, k) => Math.min(edge, edges[k]) <= at && at < Math.max(edge, edges[k]));

unpack()
  .then((arrays) => {
    const phase = new Phase(new Sweep(arrays));
    // For tests and scripts: what is shown, to read.
    window.kadita = Object.freeze({
      get state() {
        const { metric, across, up, cut, chosen, hovered } = phase;
        return { metric, across, up, cut, chosen, hovered };
      },
      // Where a point's cell is on the page.
      middle: (i, j) => {
        const [left, top, wide, high] = phase.box(i, j);
        const origin = find("map").getBoundingClientRect();
        return [origin.left + left + wide / 2, origin.top + top + high / 2];
      },
    });
  })
  .catch(fail);
