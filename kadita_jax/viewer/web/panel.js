"use strict";

/** What stands beside the school: the running metrics, the legend, the controls. */

/** P, M and OSI against time, with a cursor. */
class Chart {
  constructor(school, seek) {
    this.school = school;
    this.lines = about.lines.filter(({ name }) => name in school);
    const measured = about.convention && `${about.convention} convention`;
    find("order-note").textContent = this.lines.length ? measured : "not measured in this file";
    find("chart").hidden = !this.lines.length;
    this.values = this.lines.map(({ symbol, colour }) => {
      const text = make("span");
      text.style.color = colour;
      find("values").append(text);
      return { text, symbol };
    });
    find("chart").addEventListener("pointerdown", (event) => seek(this.momentAt(event)));
    find("chart").addEventListener("pointermove", (event) => event.buttons && seek(this.momentAt(event)));
  }

  /** Where a frame stands, in pixels from the left. */
  across(frame) {
    const { time, nFrames } = this.school;
    const duration = time[nFrames - 1] - time[0];
    const share = duration > 0 ? (time[frame] - time[0]) / duration : 0.5;
    return this.left + share * (this.right - this.left);
  }

  momentAt(event) {
    const x = event.clientX - find("chart").getBoundingClientRect().left;
    let nearest = 0;
    for (let frame = 0; frame < this.school.nFrames; frame++) {
      if (Math.abs(this.across(frame) - x) < Math.abs(this.across(nearest) - x)) nearest = frame;
    }
    return nearest;
  }

  resize() {
    if (!this.lines.length) return;
    const { context, width, height } = sharp(find("chart").querySelector("canvas"));
    Object.assign(this, { context, left: 26, right: width - 6, top: 8, bottom: height - 18 });
    find("cursor").style.height = `${this.bottom}px`;
    this.drawAxes();
    for (const { name, colour } of this.lines) this.drawLine(this.school[name], colour);
  }

  up(value) {
    return this.bottom - value * (this.bottom - this.top);
  }

  drawAxes() {
    const { context, school, left, right } = this;
    context.strokeStyle = style("faint");
    context.fillStyle = style("muted");
    context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    for (const value of [0, 0.5, 1]) {
      context.textAlign = "right";
      context.fillText(value, left - 5, this.up(value) + 4);
      context.strokeRect(left, this.up(value), right - left, 0);
    }
    for (const [frame, side] of [[0, "left"], [school.nFrames - 1, "right"]]) {
      context.textAlign = side;
      const text = `${Number(school.time[frame].toPrecision(6))} s`;
      if (frame || side === "left") context.fillText(text, side === "left" ? left : right, this.bottom + 14);
    }
  }

  drawLine(values, colour) {
    const { context } = this;
    context.beginPath();
    let isDown = false;
    values.forEach((value, frame) => {
      if (Number.isFinite(value)) context[isDown ? "lineTo" : "moveTo"](this.across(frame), this.up(value));
      // A value alone between gaps is a dot.
      if (Number.isFinite(value) && !isDown) context.rect(this.across(frame) - 0.5, this.up(value) - 0.5, 1, 1);
      if (Number.isFinite(value) && !isDown) context.moveTo(this.across(frame), this.up(value));
      isDown = Number.isFinite(value);
    });
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.stroke();
  }

  update(frame) {
    if (!this.lines.length) return;
    find("cursor").style.transform = `translateX(${this.across(frame)}px)`;
    this.values.forEach(({ text, symbol }, k) => {
      const value = this.school[this.lines[k].name][frame];
      text.textContent = `${symbol} ${Number.isFinite(value) ? value.toFixed(2) : "undefined"}`;
    });
  }
}

/** What the colours mean. */
class Legend {
  constructor(school) {
    this.school = school;
    this.discs = [["climbing", 1], ["diving", -1]].map(([name, sign]) => this.disc(name, sign));
  }

  show(mode) {
    const { name, low, high, has_undefined: hasUndefined } = about.modes.find((known) => known.name === mode);
    const { group_colours: groups, scale_colours: scale } = this.school;
    const legend = find("legend");
    if (name === "heading") {
      legend.replaceChildren(make("div", { className: "discs" }, ...this.discs.map(({ element }) => element)));
    } else if (name === "group") {
      const words = Array.from({ length: groups.length / 3 }, (_, k) => (k ? `${k + 1}` : "1 largest"));
      words[words.length - 1] += " and smaller";
      legend.replaceChildren(...words.map((word, k) => swatch(css(groups, k), word)));
    } else {
      // The last colour is that of fish of which there is nothing to say.
      legend.replaceChildren(...ramp(scale.subarray(0, -3), low, high));
      if (hasUndefined) legend.append(swatch(css(scale.subarray(-3), 0), "undefined"));
    }
  }

  /** Headings above or below the horizon: level ones at the rim, steep ones inside. */
  disc(name, sign) {
    const [size, middle, radius] = [172, 86, 62];
    const image = new ImageData(size, size);
    const [upwards, around] = about.arrays.heading_colours.shape;
    for (let at = 0; at < size * size; at++) {
      const [x, y] = [((at % size) - middle) / radius, (middle - Math.floor(at / size)) / radius];
      const square = Math.min(1, x * x + y * y);
      const row = Math.round(((sign * Math.sqrt(1 - square) + 1) / 2) * (upwards - 1));
      const column = Math.round((Math.atan2(y, x) / (2 * Math.PI) + 1) * around) % around;
      const from = 3 * (row * around + column);
      image.data.set(this.school.heading_colours.subarray(from, from + 3), 4 * at);
      image.data[4 * at + 3] = Math.max(0, Math.min(1, radius * (1 - Math.hypot(x, y)))) * 255;
    }
    const canvas = make("canvas", { width: size, height: size });
    const source = make("canvas", { width: size, height: size });
    source.getContext("2d").putImageData(image, 0, 0);
    return { element: make("div", { className: "quiet" }, canvas, name), canvas, source };
  }

  /** Turns the discs as the camera sees the floor. */
  turn(azimuth) {
    if (azimuth === this.azimuth) return;
    this.azimuth = azimuth;
    for (const { canvas, source } of this.discs) {
      const context = canvas.getContext("2d");
      const middle = canvas.width / 2;
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.save();
      context.translate(middle, middle);
      context.rotate(azimuth + Math.PI / 2);
      context.drawImage(source, -middle, -middle);
      context.restore();
      context.fillStyle = style("muted");
      context.font = "20px sans-serif";
      context.textAlign = "center";
      for (const [letter, angle] of [["x", 0], ["y", Math.PI / 2]]) {
        const turned = angle - azimuth - Math.PI / 2;
        context.fillText(letter, middle + 76 * Math.cos(turned), middle - 76 * Math.sin(turned) + 6);
      }
    }
  }
}
