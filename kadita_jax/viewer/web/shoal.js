"use strict";

const FISH_SHADER = `
  attribute vec3 place, forward, colour;
  uniform float size, side;
  uniform vec3 towards, haze, shadow;
  uniform bool isShadow;
  varying vec3 shade;
  void main() {
    vec3 ahead = normalize(forward);
    vec3 up = vec3(0.0, 0.0, 1.0);
    vec3 aside = abs(ahead.z) > 0.999 ? vec3(0.0, 1.0, 0.0) : normalize(cross(up, ahead));
    mat3 turn = mat3(ahead, aside, cross(ahead, aside));
    vec3 point = place + size * (turn * position);
    if (isShadow) point.z = -side / 2.0;
    float light = 0.86 + 0.18 * dot(turn * normal, normalize(vec3(0.3, -0.4, 1.0)));
    // What is further away is paler, as in water.
    float pale = clamp(haze.x - haze.y * dot(place, towards) / side, 0.0, haze.z);
    shade = isShadow ? shadow : mix(min(colour * light, 1.0), vec3(1.0), pale);
    gl_Position = projectionMatrix * modelViewMatrix * vec4(point, 1.0);
  }`;

/**
 * The fish of one moment, and their shadows, each all in one mesh: instances would be fewer numbers,
 * but where the processor draws each takes as long as a call of its own.
 */
class Shoal {
  constructor(nFish) {
    this.place = new Float32Array(3 * nFish);
    this.forward = new Float32Array(3 * nFish);
    this.colour = new Uint8Array(3 * nFish);
    this.fish = new Uint32Array(nFish);
    const { corner, normal, face, shadow } = about.body;
    this.nCorners = corner.length / 3;
    const length = corner.length * nFish;
    const repeated = (numbers) => Float32Array.from({ length }, (_, k) => numbers[k % numbers.length]);
    // Of every corner: where it is on the body, and what its fish is like.
    this.attributes = {
      position: new THREE.BufferAttribute(repeated(corner), 3),
      normal: new THREE.BufferAttribute(repeated(normal), 3),
      place: new THREE.BufferAttribute(new Float32Array(length), 3),
      forward: new THREE.BufferAttribute(new Float32Array(length), 3),
      colour: new THREE.BufferAttribute(new Uint8Array(length), 3, true),
    };
    this.uniforms = { size: { value: 1 }, side: { value: 1 }, towards: { value: new THREE.Vector3() } };
    this.meshes = [this.mesh(shadow, nFish, true), this.mesh(face, nFish, false)];
  }

  /** These faces of the bodies of all fish. */
  mesh(faces, nFish, isShadow) {
    const looks = { isShadow: { value: isShadow }, haze: { value: about.haze }, shadow: { value: about.shadow } };
    const material = new THREE.ShaderMaterial({
      uniforms: { ...this.uniforms, ...looks },
      vertexShader: FISH_SHADER,
      fragmentShader: "varying vec3 shade; void main() { gl_FragColor = vec4(shade, 1.0); }",
      side: THREE.DoubleSide,
      // Shadows lie beneath all else and hide nothing.
      depthWrite: !isShadow,
    });
    const geometry = new THREE.BufferGeometry();
    for (const [name, attribute] of Object.entries(this.attributes)) geometry.setAttribute(name, attribute);
    const corner = (_, k) => faces[k % faces.length] + this.nCorners * Math.floor(k / faces.length);
    const index = Uint32Array.from({ length: faces.length * nFish }, corner);
    geometry.setIndex(new THREE.BufferAttribute(index, 1));
    const mesh = new THREE.Mesh(geometry, material);
    mesh.userData.perFish = faces.length;
    mesh.frustumCulled = false;
    mesh.renderOrder = isShadow ? -1 : 0;
    return mesh;
  }

  /** Places every fish that is seen; between two frames it swims straight. */
  update(school, painter, moment, isFollowing) {
    const [frame, share] = school.split(moment);
    const next = Math.min(frame + 1, school.nFrames - 1);
    const middle = school.middle(moment, isFollowing);
    this.n = 0;
    for (let fish = 0; fish < school.nFish; fish++) {
      if (!school.isSeen(frame, fish)) continue;
      const on = school.isSeen(next, fish) ? next : frame;
      const to = 3 * this.n;
      for (let axis = 0; axis < 3; axis++) {
        const here = school.place(frame, fish, axis);
        const step = school.shortest(school.place(on, fish, axis) - here);
        this.place[to + axis] = school.shortest(here + share * step - middle[axis]);
        const turned = school.towards(on, fish, axis) * share;
        this.forward[to + axis] = school.towards(frame, fish, axis) * (1 - share) + turned;
      }
      painter.paint(frame, fish, this.colour, to);
      this.fish[this.n++] = fish;
    }
    for (const { geometry, userData } of this.meshes) geometry.setDrawRange(0, userData.perFish * this.n);
    for (const name of ["place", "forward", "colour"]) this.repeat(this[name], this.attributes[name]);
  }

  /** Gives every corner what its fish has. */
  repeat(from, attribute) {
    const to = attribute.array;
    const most = 3 * this.nCorners * this.n;
    for (let corner = 0; corner < most; corner += 3) {
      const fish = 3 * Math.floor(corner / (3 * this.nCorners));
      for (let part = 0; part < 3; part++) to[corner + part] = from[fish + part];
    }
    attribute.needsUpdate = true;
  }
}
