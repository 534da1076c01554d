"use strict";

const MARGIN = { left: 78, right: 18, top: 10, bottom: 52 };

/** The points over two axes, or over one: a cell each, coloured by what is shown. */
class PhaseMap {
  constructor(sweep, state) {
    Object.assign(this, { sweep, state });
  }

  /** The point in column i and row j. */
  point(i, j) {
    const { cut, across, up } = this.state;
    const point = cut.with(across, i);
    return up === null ? point : point.with(up, j);
  }

  draw() {
    const { context, width, height } = sharp(find("map"));
    const across = about.axes[this.state.across];
    const up = about.axes[this.state.up] ?? { label: "", edges: [0, 1], values: [""] };
    const room = height - MARGIN.top - MARGIN.bottom;
    // A sweep over one axis is a row.
    const tall = this.state.up === null ? Math.min(160, room) : room;
    const x = across.edges.map((share) => MARGIN.left + share * (width - MARGIN.left - MARGIN.right));
    const y = up.edges.map((share) => MARGIN.top + (1 - share) * tall);
    Object.assign(this, { context, x, y });
    this.eachCell((i, j) => this.cell(i, j));
    this.borders();
    this.ticks(across, up);
    this.mark();
  }

  eachCell(use) {
    for (let i = 0; i + 1 < this.x.length; i++) for (let j = 0; j + 1 < this.y.length; j++) use(i, j);
  }

  /** Left, top, width and height of a cell. */
  box(i, j) {
    return [this.x[i], this.y[j + 1], this.x[i + 1] - this.x[i], this.y[j] - this.y[j + 1]];
  }

  cell(i, j) {
    const { context, sweep } = this;
    const { metric } = this.state;
    const at = sweep.at(this.point(i, j));
    const reason = sweep.reason(metric, at);
    context.fillStyle = reason ? style("wash") : sweep.colour(metric, at);
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
    this.eachCell((i, j) => {
      if (i + 2 < x.length && differ(state(i, j), state(i + 1, j))) {
        context.moveTo(x[i + 1], y[j]);
        context.lineTo(x[i + 1], y[j + 1]);
      }
      if (j + 2 < y.length && differ(state(i, j), state(i, j + 1))) {
        context.moveTo(x[i], y[j + 1]);
        context.lineTo(x[i + 1], y[j + 1]);
      }
    });
    for (const [name, wide] of [["paper", 3], ["ink", 1.2]]) {
      context.strokeStyle = style(name);
      context.lineWidth = wide;
      context.stroke();
    }
  }

  /** Values at the middle of cells, as many as have room, and the names of the axes. */
  ticks(across, up) {
    const { context, x, y } = this;
    context.fillStyle = style("muted");
    context.font = font(12);
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

  /** Frames the chosen and the hovered cell, above the map: it need not be drawn anew. */
  mark() {
    for (const id of ["chosen", "hovered"]) {
      const point = this.state[id];
      find(id).hidden = !point;
      if (!point) continue;
      const [left, top, width, height] = this.box(point[this.state.across], point[this.state.up] ?? 0);
      find(id).style.cssText = `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px`;
    }
  }

  pointAt({ clientX, clientY }) {
    const { left, top } = find("map").getBoundingClientRect();
    const i = between(this.x, clientX - left);
    const j = between(this.y, clientY - top);
    return i < 0 || j < 0 ? null : this.point(i, j);
  }
}

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
