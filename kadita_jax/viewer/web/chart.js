"use strict";

/** P, M and OSI against time, with a cursor. */
class Chart {
  constructor(school, seek) {
    this.school = school;
    this.lines = about.lines.filter(({ name }) => name in school);
    const measured = about.convention && `${about.convention} convention`;
    find("order-note").textContent = this.lines.length ? measured : "not measured in this file";
    find("chart").hidden = !this.lines.length;
    this.numbers = this.lines.map(({ symbol, colour }) => {
      const number = make("span", { className: "number" });
      const text = make("span", {}, `${symbol} `, number);
      text.style.color = colour;
      find("values").append(text);
      return number;
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
    context.font = font(11);
    for (const value of [0, 0.5, 1]) {
      context.textAlign = "right";
      context.fillText(value, left - 5, this.up(value) + 4);
      context.strokeRect(left, this.up(value), right - left, 0);
    }
    for (const [frame, side] of [[0, "left"], [school.nFrames - 1, "right"]]) {
      context.textAlign = side;
      if (frame || side === "left") context.fillText(school.moment(frame), side === "left" ? left : right, this.bottom + 14);
    }
  }

  drawLine(values, colour) {
    const { context } = this;
    context.beginPath();
    let isDown = false;
    values.forEach((value, frame) => {
      const [isKnown, x, y] = [Number.isFinite(value), this.across(frame), this.up(value)];
      // A value alone between gaps is a dot.
      if (isKnown && !isDown) context.rect(x - 0.5, y - 0.5, 1, 1);
      if (isKnown) context[isDown ? "lineTo" : "moveTo"](x, y);
      isDown = isKnown;
    });
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.stroke();
  }

  update(frame) {
    if (!this.lines.length) return;
    find("cursor").style.transform = `translateX(${this.across(frame)}px)`;
    this.numbers.forEach((number, k) => {
      const value = this.school[this.lines[k].name][frame];
      number.textContent = Number.isFinite(value) ? value.toFixed(2) : "–";
    });
  }
}
