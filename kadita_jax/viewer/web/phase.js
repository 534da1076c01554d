"use strict";

const KEYS = [
  ["← → ↑ ↓", "move the chosen point"],
  ["m", "next metric"],
  ["s", "states"],
  ["x", "swap the two axes"],
];

/** What is shown of a sweep, and all ways to change it. */
class Phase {
  constructor(sweep) {
    this.sweep = sweep;
    this.state = {
      metric: about.metrics[0].name,
      across: 0,
      up: about.axes.length > 1 ? 1 : null,
      // Where the map is cut, and the chosen point once there is one.
      cut: sweep.shape.map((size) => Math.floor(size / 2)),
      chosen: null,
      hovered: null,
    };
    this.map = new PhaseMap(sweep, this.state);
    this.fill();
    this.listen();
    new ResizeObserver(() => this.map.draw()).observe(find("stage"));
    this.set({});
  }

  /** Changes what is shown, and the controls with it. */
  set(changes) {
    const { metric, across, up } = Object.assign(this.state, changes);
    find("metric").value = metric;
    find("across").value = across;
    find("up").value = up;
    this.slide();
    this.explain();
    this.map.draw();
    this.tell();
    this.tellAll();
  }

  fill() {
    introduce([about.subtitle, about.where].filter(Boolean).join(" · "));
    if ("shares" in this.sweep) find("metric").append(make("option", { value: STATE }, "most frequent state"));
    for (const { name, label } of about.metrics) find("metric").append(make("option", { value: name }, label));
    for (const id of ["across", "up"]) {
      about.axes.forEach(({ label }, axis) => find(id).append(make("option", { value: axis }, label)));
    }
    find("upwards").hidden = this.state.up === null;
  }

  listen() {
    const { state, map } = this;
    const on = (id, use) => find(id).addEventListener("change", ({ target }) => use(target.value));
    on("metric", (metric) => this.set({ metric }));
    on("across", (value) => this.turn(Number(value), state.up));
    on("up", (value) => this.turn(state.across, Number(value)));
    find("map").addEventListener("pointermove", (event) => this.hover(event));
    find("map").addEventListener("pointerleave", () => this.tell(null));
    find("map").addEventListener("click", (event) => this.choose(map.pointAt(event)));
    const metrics = about.metrics.map(({ name }) => name);
    onKeys(KEYS, {
      ArrowLeft: () => this.step(state.across, -1),
      ArrowRight: () => this.step(state.across, 1),
      ArrowDown: () => this.step(state.up, -1),
      ArrowUp: () => this.step(state.up, 1),
      m: () => this.set({ metric: after(metrics, state.metric) }),
      s: () => "shares" in this.sweep && this.set({ metric: STATE }),
      x: () => state.up !== null && this.turn(state.up, state.across),
    });
  }

  /** Takes two axes; the one that both would be goes where the other was. */
  turn(across, up) {
    this.set(across === up ? { across: this.state.up, up: this.state.across } : { across, up });
  }

  choose(point) {
    if (point) this.set({ chosen: point, cut: point });
  }

  step(axis, by) {
    if (axis === null) return;
    const { chosen, cut } = this.state;
    this.choose(chosen ? chosen.with(axis, within(chosen[axis] + by, this.sweep.shape[axis] - 1)) : cut);
  }

  /** A slider for each axis that the map does not show. */
  slide() {
    const { across, up } = this.state;
    const hidden = about.axes.map((_, axis) => axis).filter((axis) => axis !== across && axis !== up);
    find("others").replaceChildren(...hidden.map((axis) => this.slider(axis)));
  }

  slider(axis) {
    const { state } = this;
    const { name, values, unit } = about.axes[axis];
    const told = make("output", {}, `${values[state.cut[axis]]} ${unit}`);
    const slider = make("input", { type: "range", min: 0, max: values.length - 1, value: state.cut[axis], ariaLabel: name });
    slider.addEventListener("input", () => {
      state.cut = state.cut.with(axis, Number(slider.value));
      state.chosen &&= state.cut;
      told.textContent = `${values[state.cut[axis]]} ${unit}`;
      this.map.draw();
      this.tellAll();
    });
    return make("label", { className: "row" }, make("span", { className: "name" }, name), slider, told);
  }

  explain() {
    if (this.state.metric === STATE) {
      const present = about.states.filter((_, state) => this.sweep.leading.includes(state));
      const note = make("p", {}, about.n_replicates > 1 ? "paler where replicates disagree" : "of the one replicate");
      find("legend").replaceChildren(...present.map(({ name, colour }) => swatch(colour, name)), note);
      return;
    }
    const { colours, low, high, ends } = metricOf(this.state.metric);
    const words = [low, high].map((end, k) => `${written(end)} ${ends[k]}`.trim());
    find("legend").replaceChildren(...ramp(this.sweep[colours], ...words));
  }

  hover(event) {
    const point = this.map.pointAt(event);
    if (String(point) !== String(this.state.hovered)) this.tell(point);
    if (!point) return;
    const { left, top, width, height } = find("stage").getBoundingClientRect();
    const { offsetWidth, offsetHeight } = find("tip");
    // Beside the pointer, on the side that has room.
    const right = event.clientX - left + 14;
    const below = event.clientY - top + 14;
    find("tip").style.left = `${right + offsetWidth < width ? right : right - offsetWidth - 28}px`;
    find("tip").style.top = `${below + offsetHeight < height ? below : below - offsetHeight - 28}px`;
  }

  /** Writes what there is to say of the point under the pointer. */
  tell(hovered = this.state.hovered) {
    this.state.hovered = hovered;
    this.map.mark();
    const lines = hovered ? this.sweep.lines(this.state.metric, hovered) : [];
    find("tip").hidden = !hovered;
    find("tip").replaceChildren(...lines.map((line) => make("div", {}, line)));
  }

  /** All metrics of the chosen point, and the share of its replicates in each state. */
  tellAll() {
    const { chosen } = this.state;
    if (!chosen) return;
    const isInvalid = this.sweep.is_invalid[this.sweep.at(chosen)];
    find("where").textContent = inWords(chosen) + (isInvalid ? `: ${about.reasons[0]}` : "");
    find("all").replaceChildren(...this.sweep.rows(chosen));
    find("states").replaceChildren(...this.sweep.bars(chosen));
  }
}

unpack()
  .then((arrays) => {
    const phase = new Phase(new Sweep(arrays));
    // For tests and scripts: what is shown, to read.
    window.kadita = Object.freeze({
      get state() {
        return { ...phase.state };
      },
      // Where a point's cell is on the page.
      middle: (i, j) => {
        const [left, top, wide, high] = phase.map.box(i, j);
        const origin = find("map").getBoundingClientRect();
        return [origin.left + left + wide / 2, origin.top + top + high / 2];
      },
    });
  })
  .catch(fail);
