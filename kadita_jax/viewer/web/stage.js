"use strict";

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
    const dashes = { color: style("faint"), dashSize: 0.02, gapSize: 0.015 };
    const isDashed = this.school.box === null;
    const material = isDashed ? new THREE.LineDashedMaterial(dashes) : new THREE.LineBasicMaterial({ color: style("faint") });
    return new THREE.LineSegments(new THREE.EdgesGeometry(new THREE.BoxGeometry()), material).computeLineDistances();
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
