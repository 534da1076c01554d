"use strict";

/** Where and which way every fish of a frame is, in the page's own coordinates. */
class School {
  constructor(arrays) {
    Object.assign(this, arrays);
    [this.nFrames, this.nFish] = about.arrays.position.shape;
    this.box = about.box_size;
  }

  isSeen(frame, fish) {
    return this.position[3 * (frame * this.nFish + fish)] !== about.absent;
  }

  /** One coordinate in bl. */
  place(frame, fish, axis) {
    const number = this.position[3 * (frame * this.nFish + fish) + axis];
    return about.low[axis] + about.step[axis] * number;
  }

  /** A difference of coordinates by the shortest way, across the faces of the box if there is one. */
  shortest(difference) {
    return this.box === null ? difference : difference - this.box * Math.round(difference / this.box);
  }

  /** What is in the middle of the stage at a moment between frames. */
  middle(moment, isFollowing) {
    if (!isFollowing) return about.middle;
    const [frame, share] = this.split(moment);
    const on = Math.min(frame + 1, this.nFrames - 1);
    const mix = (axis) => this.centre[3 * frame + axis] * (1 - share) + this.centre[3 * on + axis] * share;
    return [mix(0), mix(1), mix(2)];
  }

  split(moment) {
    const frame = Math.min(Math.floor(moment), this.nFrames - 1);
    return [frame, moment - frame];
  }
}

/** Writes the colour of a fish into an array of bytes. */
class Painter {
  constructor(school) {
    this.school = school;
    [this.upwards, this.around] = about.arrays.heading_colours.shape;
    this.mode = "heading";
  }

  paint(frame, fish, target, at) {
    const { school, mode } = this;
    const number = frame * school.nFish + fish;
    let table = mode === "group" ? school.group_colours : school.scale_colours;
    let index;
    if (mode === "heading") {
      table = school.heading_colours;
      index = this.direction(school.heading, 3 * number);
    } else {
      index = school[mode][number];
    }
    for (let part = 0; part < 3; part++) target[at + part] = table[3 * index + part];
  }

  direction(heading, at) {
    const height = heading[at + 2] / about.heading_scale;
    const turn = Math.atan2(heading[at + 1], heading[at]) / (2 * Math.PI) + 1;
    const row = Math.round(((height + 1) / 2) * (this.upwards - 1));
    return row * this.around + (Math.round(turn * this.around) % this.around);
  }
}

// Trails of more are drawn with every second frame, every third, and so on.
const MOST_SEGMENTS = 15000;

const FISH_SHADER = `
  attribute vec3 place, forward, colour;
  uniform float size, side;
  uniform vec3 towards, haze, shadow;
  uniform bool isShadow;
  varying vec3 shade;
  void main() {
    vec3 up = vec3(0.0, 0.0, 1.0);
    vec3 aside = abs(forward.z) > 0.999 ? vec3(0.0, 1.0, 0.0) : normalize(cross(up, forward));
    mat3 turn = mat3(forward, aside, cross(forward, aside));
    vec3 point = place + size * (turn * position);
    if (isShadow) point.z = -side / 2.0;
    float light = 0.86 + 0.18 * dot(turn * normal, normalize(vec3(0.3, -0.4, 1.0)));
    // What is further away is paler, as in water.
    float pale = clamp(haze.x - haze.y * dot(place, towards) / side, 0.0, haze.z);
    shade = isShadow ? shadow : mix(min(colour * light, 1.0), vec3(1.0), pale);
    gl_Position = projectionMatrix * modelViewMatrix * vec4(point, 1.0);
  }`;
const TRAIL_SHADER = `
  attribute vec4 colour;
  varying vec4 shade;
  void main() {
    shade = colour;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
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
    this.nCorners = about.body.corner.length / 3;
    // Of every corner: what its fish is like.
    this.attributes = {
      place: new THREE.BufferAttribute(new Float32Array(this.nCorners * 3 * nFish), 3),
      forward: new THREE.BufferAttribute(new Float32Array(this.nCorners * 3 * nFish), 3),
      colour: new THREE.BufferAttribute(new Uint8Array(this.nCorners * 3 * nFish), 3, true),
    };
    this.uniforms = { size: { value: 1 }, side: { value: 1 }, towards: { value: new THREE.Vector3() } };
    this.meshes = [this.mesh(true, nFish), this.mesh(false, nFish)];
  }

  /** The bodies of all fish, or what their shadows are made of. */
  bodies(faces, nFish) {
    const { corner, normal } = about.body;
    const geometry = new THREE.BufferGeometry();
    const repeated = (numbers) => {
      const array = new Float32Array(numbers.length * nFish);
      for (let fish = 0; fish < nFish; fish++) array.set(numbers, fish * numbers.length);
      return new THREE.BufferAttribute(array, 3);
    };
    const index = new Uint32Array(faces.length * nFish);
    for (let k = 0; k < index.length; k++) {
      index[k] = faces[k % faces.length] + this.nCorners * Math.floor(k / faces.length);
    }
    geometry.setAttribute("position", repeated(corner));
    geometry.setAttribute("normal", repeated(normal));
    geometry.setIndex(new THREE.BufferAttribute(index, 1));
    for (const [name, attribute] of Object.entries(this.attributes)) geometry.setAttribute(name, attribute);
    return geometry;
  }

  mesh(isShadow, nFish) {
    const looks = { isShadow, haze: about.haze, shadow: about.shadow };
    const own = Object.entries(looks).map(([name, value]) => [name, { value }]);
    const material = new THREE.ShaderMaterial({
      uniforms: { ...this.uniforms, ...Object.fromEntries(own) },
      vertexShader: FISH_SHADER,
      fragmentShader: "varying vec3 shade; void main() { gl_FragColor = vec4(shade, 1.0); }",
      side: THREE.DoubleSide,
      // Shadows lie beneath all else and hide nothing.
      depthWrite: !isShadow,
    });
    const faces = isShadow ? about.body.shadow : about.body.face;
    const mesh = new THREE.Mesh(this.bodies(faces, nFish), material);
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
    let n = 0;
    for (let fish = 0; fish < school.nFish; fish++) {
      if (!school.isSeen(frame, fish)) continue;
      const on = school.isSeen(next, fish) ? next : frame;
      for (let axis = 0; axis < 3; axis++) {
        const here = school.place(frame, fish, axis);
        const step = school.shortest(school.place(on, fish, axis) - here);
        this.place[3 * n + axis] = school.shortest(here + share * step - middle[axis]);
      }
      this.point(school, 3 * (frame * school.nFish + fish), 3 * (on * school.nFish + fish), share, n);
      painter.paint(frame, fish, this.colour, 3 * n);
      this.fish[n++] = fish;
    }
    this.n = n;
    for (const { geometry, userData } of this.meshes) geometry.setDrawRange(0, userData.perFish * n);
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

  point({ heading }, from, to, share, n) {
    const { forward } = this;
    let square = 0;
    for (let axis = 0; axis < 3; axis++) {
      const mixed = heading[from + axis] * (1 - share) + heading[to + axis] * share;
      forward[3 * n + axis] = mixed;
      square += mixed * mixed;
    }
    const length = Math.sqrt(square) || 1;
    for (let axis = 0; axis < 3; axis++) forward[3 * n + axis] /= length;
  }
}

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

/** Whether there is no GPU: smooth edges then take as long as all else. */
function isDrawnByProcessor() {
  const context = document.createElement("canvas").getContext("webgl2");
  const detail = context?.getExtension("WEBGL_debug_renderer_info");
  const name = detail ? context.getParameter(detail.UNMASKED_RENDERER_WEBGL) : "";
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** The stage: camera, box, fish and trails. */
class Stage {
  constructor(school) {
    this.school = school;
    this.painter = new Painter(school);
    this.shoal = new Shoal(school.nFish);
    this.trails = new Trails();
    this.renderer = new THREE.WebGLRenderer({ antialias: !isDrawnByProcessor() });
    this.renderer.setClearColor(style("paper"));
    find("stage").prepend(this.renderer.domElement);
    this.camera = new THREE.PerspectiveCamera(24, 1, 0.01, 100);
    this.camera.up.set(0, 0, 1);
    this.controls = new THREE.OrbitControls(this.camera, this.renderer.domElement);
    this.controls.enablePan = false;
    this.box = this.edges();
    this.scene = new THREE.Scene();
    this.scene.add(this.box, ...this.shoal.meshes, this.trails.lines);
    this.side = about.side;
  }

  /** The twelve edges of a cube of side 1; dashed in open water, which has no walls. */
  edges() {
    const corners = [];
    for (let axis = 0; axis < 3; axis++) {
      for (const [one, other] of [[-1, -1], [-1, 1], [1, -1], [1, 1]]) {
        for (const end of [-1, 1]) {
          const corner = [one, other];
          corner.splice(axis, 0, end);
          corners.push(...corner.map((part) => part / 2));
        }
      }
    }
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(corners), 3));
    const dashes = { color: style("faint"), dashSize: 0.02, gapSize: 0.015 };
    const isDashed = this.school.box === null;
    const material = isDashed ? new THREE.LineDashedMaterial(dashes) : new THREE.LineBasicMaterial({ color: style("faint") });
    return new THREE.LineSegments(geometry, material).computeLineDistances();
  }

  /** Looks as the pictures do, from far enough to see the whole box. */
  reset() {
    const [azimuth, elevation] = [about.azimuth, about.elevation].map((angle) => (angle * Math.PI) / 180);
    const flat = Math.cos(elevation);
    const towards = [flat * Math.cos(azimuth), flat * Math.sin(azimuth), Math.sin(elevation)];
    // The sphere about the box fits, in height on a wide stage and in width on a narrow one.
    const angle = (this.camera.fov / 2) * (Math.PI / 180);
    const distance = ((Math.sqrt(3) / 2) * this.side) / Math.sin(angle) / Math.min(1, this.camera.aspect);
    this.camera.position.set(...towards).multiplyScalar(distance);
    this.controls.update();
  }

  /** The side of what is looked at changes: the view keeps its direction and relative distance. */
  setSide(side) {
    this.camera.position.multiplyScalar(side / this.side);
    this.side = side;
    this.camera.near = side / 100;
    this.camera.far = side * 100;
    this.camera.updateProjectionMatrix();
    this.box.scale.setScalar(side);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = find("stage");
    this.renderer.setPixelRatio(devicePixelRatio);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
  }

  draw(state) {
    const { uniforms } = this.shoal;
    uniforms.size.value = about.fish_length * 2 ** state.size;
    uniforms.side.value = this.side;
    uniforms.towards.value.copy(this.camera.position).normalize();
    this.painter.mode = state.colour;
    this.box.visible = state.hasBox;
    this.shoal.update(this.school, this.painter, state.moment, state.isFollowing);
    this.trails.update(this.school, this.shoal, state.moment, state.trail, state.isFollowing);
    this.renderer.render(this.scene, this.camera);
  }
}
