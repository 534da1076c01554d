"use strict";

/** What both pages share: the data, unpacked, and small helpers for the document. */
const about = JSON.parse(document.getElementById("about").textContent);
const find = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

const TYPES = {
  float64: Float64Array,
  float32: Float32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
};

/** The page's arrays by name, flat; moving ones are made whole from their changes. */
async function unpack() {
  const holder = find("data");
  const text = atob(holder.textContent);
  holder.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(inflated).arrayBuffer();
  const arrays = {};
  for (const [name, { dtype, shape, start, moving }] of Object.entries(about.arrays)) {
    const length = shape.reduce((product, size) => product * size, 1);
    const array = new TYPES[dtype](buffer, start, length);
    const stride = length / shape[0];
    // Typed arrays wrap around as numpy's differences did.
    if (moving) for (let i = stride; i < length; i++) array[i] += array[i - stride];
    arrays[name] = array;
  }
  return arrays;
}

/** Says why there is nothing to see: an old browser, or one without WebGL. */
function fail(error) {
  find("failure").hidden = false;
  find("failure").textContent = `This browser cannot show the page: ${error.message}`;
}

/** A new element with properties, and children that are elements or texts. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function swatch(colour, text) {
  const patch = make("span", { className: "swatch" });
  patch.style.background = colour;
  return make("span", {}, patch, text);
}

/** Colour number `index` of a flat table of bytes, as CSS. */
const css = (table, index) => `rgb(${table.slice(3 * index, 3 * index + 3).join(" ")})`;

/** A table of colours as a bar, with words for its ends. */
function ramp(table, low, high) {
  const n = table.length / 3;
  const stops = Array.from({ length: 17 }, (_, k) => css(table, Math.round((k / 16) * (n - 1))));
  const bar = make("div", { className: "ramp" });
  bar.style.background = `linear-gradient(to right, ${stops})`;
  return [bar, make("div", { className: "ends" }, make("span", {}, low), make("span", {}, high))];
}

/** A canvas as sharp as the screen, and its drawing context in CSS pixels. */
function sharp(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  return { context, width, height };
}

/** The page's font, so many pixels high, as a canvas takes it. */
const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;

/** The nearest number of 0 to most. */
const within = (value, most) => Math.max(0, Math.min(most, value));

/** What follows in a list, the first after the last and after what is not in it. */
const after = (list, item) => list[(list.indexOf(item) + 1) % list.length];

/** The page's title and the line beneath. */
function introduce(subtitle) {
  find("title").textContent = about.title;
  find("subtitle").textContent = subtitle;
}

/** Calls what a key is for, unless the focused control has its own use for it; lists the keys. */
function onKeys(keys, actions) {
  const all = { ...actions, "?": () => find("shortcuts").showModal() };
  find("help").addEventListener("click", all["?"]);
  for (const [key, use] of [...keys, ["?", "this list"]]) {
    const caps = key.split(" ").flatMap((one) => [make("kbd", {}, one), " "]);
    find("keys").append(make("tr", {}, make("td", {}, ...caps), make("td", {}, use)));
  }
  const own = new Set([" ", "Enter", "Home", "End"]);
  document.addEventListener("keydown", (event) => {
    const isOwn = own.has(event.key) || event.key.startsWith("Arrow");
    if (isOwn && event.target.closest("button, input, select, dialog")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in all)) return;
    event.preventDefault();
    all[event.key](event);
  });
}
