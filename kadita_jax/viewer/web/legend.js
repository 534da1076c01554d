"use strict";

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
    for (let at = 0; at < size * size; at++) {
      const [x, y] = [((at % size) - middle) / radius, (middle - Math.floor(at / size)) / radius];
      const square = Math.min(1, x * x + y * y);
      const from = 3 * colourOf(x, y, sign * Math.sqrt(1 - square));
      image.data.set(this.school.heading_colours.subarray(from, from + 3), 4 * at);
      image.data[4 * at + 3] = 255 * within(radius * (1 - Math.hypot(x, y)), 1);
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
