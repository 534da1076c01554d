"use strict";

// Trails of more are drawn with every second frame, every third, and so on.
const MOST_SEGMENTS = 15000;
const TRAIL_SHADER = `
  attribute vec4 colour;
  varying vec4 shade;
  void main() {
    shade = colour;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;

/** Where each fish swam in the frames before: lines that fade. */
class Trails {
  constructor() {
    this.geometry = new THREE.BufferGeometry();
    const material = new THREE.ShaderMaterial({
      vertexShader: TRAIL_SHADER,
      fragmentShader: "varying vec4 shade; void main() { gl_FragColor = shade; }",
      transparent: true,
      depthWrite: false,
    });
    this.lines = new THREE.LineSegments(this.geometry, material);
    this.lines.frustumCulled = false;
    this.capacity = 0;
    // The newer and the older end of the line that is being added.
    this.ends = new Float32Array(6);
  }

  reserve(nSegments) {
    if (nSegments <= this.capacity) return;
    this.capacity = nSegments;
    this.geometry.dispose();
    this.position = new THREE.BufferAttribute(new Float32Array(6 * nSegments), 3);
    this.colour = new THREE.BufferAttribute(new Uint8Array(8 * nSegments), 4, true);
    this.geometry.setAttribute("position", this.position);
    this.geometry.setAttribute("colour", this.colour);
  }

  update(school, shoal, moment, length, isFollowing) {
    const middle = school.middle(moment, isFollowing);
    const stride = Math.max(1, Math.ceil((shoal.n * length) / MOST_SEGMENTS));
    this.n = 0;
    this.reserve(shoal.n * Math.ceil(length / stride));
    for (let k = 0; length && k < shoal.n; k++) {
      this.trace(school, shoal, k, Math.floor(moment), length, stride, middle, isFollowing);
    }
    this.geometry.setDrawRange(0, 2 * this.n);
    if (this.n) this.position.needsUpdate = this.colour.needsUpdate = true;
  }

  /** The trail of one fish, back from where it is drawn; broken where it crosses a face. */
  trace(school, shoal, k, frame, length, stride, middle, isFollowing) {
    const fish = shoal.fish[k];
    const at = [...shoal.place.subarray(3 * k, 3 * k + 3)];
    for (let back = 0; back < length && back <= frame; back += stride) {
      if (!school.isSeen(frame - back, fish)) return;
      let isBroken = false;
      for (let axis = 0; axis < 3; axis++) {
        const place = school.place(frame - back, fish, axis) - middle[axis];
        const whole = at[axis] + school.shortest(place - at[axis]);
        this.ends[axis] = at[axis];
        this.ends[3 + axis] = at[axis] = isFollowing ? whole : school.shortest(whole);
        isBroken ||= Math.abs(at[axis] - whole) > school.box / 2;
      }
      if (!isBroken) this.add(shoal.colour, 3 * k, 1 - back / length, 1 - (back + stride) / length);
    }
  }

  add(colours, from, newer, older) {
    this.position.array.set(this.ends, 6 * this.n);
    for (const [end, strength] of [[0, newer], [1, older]]) {
      const to = 8 * this.n + 4 * end;
      for (let part = 0; part < 3; part++) this.colour.array[to + part] = colours[from + part];
      this.colour.array[to + 3] = 120 * Math.max(0, strength);
    }
    this.n++;
  }
}
