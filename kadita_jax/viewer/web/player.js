"use strict";

const RATES = [1, 2, 5, 10, 20, 30, 60, 120];
const TRAILS = [0, 10, 25, 50, 100];
const KEYS = [
  ["space", "play or pause"],
  ["← →", "one frame back or on; ten with shift"],
  ["Home End", "first or last frame"],
  ["− +", "slower or faster"],
  ["c", "next colouring"],
  ["t", "longer trails, then none"],
  ["f", "follow the school's centre"],
  ["b", "box"],
  ["r", "view as at first"],
];

/** What is shown, and all ways to change it. */
class Player {
  constructor(school) {
    this.school = school;
    this.state = {
      moment: 0, isPlaying: false, rate: 20, colour: "heading", trail: 0, size: 0,
      isFollowing: about.is_followed, hasBox: true, drawn: 0,
    };
    this.stage = new Stage(school);
    this.chart = new Chart(school, (frame) => this.set({ moment: frame }));
    this.legend = new Legend(school);
    this.isStale = true;
    this.fill();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(find("stage"));
    this.resize();
    this.set({});
    this.stage.reset();
    requestAnimationFrame((now) => this.tick(now, now));
  }

  get frame() {
    return Math.floor(this.state.moment);
  }

  /** Changes what is shown, and the controls with it. */
  set(changes) {
    const { state, stage } = this;
    Object.assign(state, changes);
    state.moment = within(state.moment, this.school.nFrames - 1);
    const side = state.isFollowing ? about.followed_side : about.side;
    if (side !== stage.box.scale.x) stage.setSide(side);
    const water = about.box_size === null ? "open water; dashed: the least cube about the school" : "periodic box";
    find("box-note").textContent = `${water}, ${Number(side.toPrecision(3))} bl wide`;
    find("play").textContent = state.isPlaying ? "❚❚" : "▶";
    find("play").ariaLabel = state.isPlaying ? "pause" : "play";
    find("rate").value = state.rate;
    find("trail").value = state.trail;
    find("trail-length").textContent = state.trail ? `${state.trail} frames` : "none";
    find("size").value = state.size;
    find("follow").checked = state.isFollowing;
    find("box").checked = state.hasBox;
    if (find("colour").value !== state.colour || !find("legend").hasChildNodes()) {
      find("colour").value = state.colour;
      this.legend.show(state.colour);
    }
    this.tell();
  }

  /** Writes the moment everywhere it stands. */
  tell() {
    const { first, stride, n_in_file: total } = about.frames;
    const number = `frame ${first + stride * this.frame} / ${total - 1}`;
    find("scrub").value = this.frame;
    find("clock").textContent = about.has_times ? `${this.school.moment(this.frame)} · ${number}` : number;
    this.chart.update(this.frame);
    this.isStale = true;
  }

  fill() {
    introduce(about.subtitle);
    find("scrub").max = this.school.nFrames - 1;
    find("play").disabled = find("scrub").disabled = this.school.nFrames < 2;
    for (const { name, label, missing } of about.modes) {
      const text = missing ? `${label}: ${missing}` : label;
      find("colour").append(make("option", { value: name, disabled: Boolean(missing) }, text));
    }
    for (const rate of RATES) find("rate").append(make("option", { value: rate }, `${rate} frames/s`));
  }

  listen() {
    const on = (id, event, change) => find(id).addEventListener(event, ({ target }) => this.set(change(target)));
    on("scrub", "input", ({ value }) => ({ moment: Number(value), isPlaying: false }));
    on("rate", "change", ({ value }) => ({ rate: Number(value) }));
    on("colour", "change", ({ value }) => this.coloured(value));
    on("trail", "input", ({ value }) => ({ trail: Number(value) }));
    on("size", "input", ({ value }) => ({ size: Number(value) }));
    on("follow", "change", ({ checked }) => ({ isFollowing: checked }));
    on("box", "change", ({ checked }) => ({ hasBox: checked }));
    find("play").addEventListener("click", () => this.play());
    find("reset").addEventListener("click", () => this.stage.reset());
    this.stage.controls.addEventListener("change", () => (this.isStale = true));
    onKeys(KEYS, this.actions());
  }

  actions() {
    const step = (by) => (event) => this.set({ moment: this.frame + by * (event.shiftKey ? 10 : 1), isPlaying: false });
    const rated = (by) => () => this.set({ rate: RATES[within(RATES.indexOf(this.state.rate) + by, RATES.length - 1)] });
    return {
      " ": () => this.play(),
      ArrowLeft: step(-1),
      ArrowRight: step(1),
      Home: () => this.set({ moment: 0 }),
      End: () => this.set({ moment: Infinity }),
      "-": rated(-1),
      "+": rated(1),
      c: () => this.set(this.coloured(after(this.modes(), this.state.colour))),
      t: () => this.set({ trail: after(TRAILS, this.state.trail) }),
      f: () => this.set({ isFollowing: !this.state.isFollowing }),
      b: () => this.set({ hasBox: !this.state.hasBox }),
      r: () => this.stage.reset(),
    };
  }

  modes() {
    return about.modes.filter(({ missing }) => !missing).map(({ name }) => name);
  }

  coloured(colour) {
    find("legend").replaceChildren();
    return { colour };
  }

  play() {
    if (this.school.nFrames > 1) this.set({ isPlaying: !this.state.isPlaying });
  }

  resize() {
    this.stage.resize();
    this.chart.resize();
    this.set({});
  }

  /** Draws when something changed, once per frame of the screen. */
  tick(before, now) {
    const { state, stage } = this;
    if (state.isPlaying) {
      const shown = this.frame;
      const moment = state.moment + (state.rate * (now - before)) / 1000;
      state.moment = moment > this.school.nFrames - 1 ? 0 : moment;
      // Between two frames only the fish move: to write the rest anew would take as long again.
      if (this.frame !== shown) this.tell();
      this.isStale = true;
    }
    if (this.isStale) {
      this.isStale = false;
      stage.draw(state);
      state.drawn++;
      const { x, y } = stage.camera.position;
      this.legend.turn(Math.atan2(y, x));
    }
    requestAnimationFrame((next) => this.tick(now, next));
  }
}

unpack()
  .then((arrays) => {
    const school = new School(arrays);
    const player = new Player(school);
    // For tests and scripts: what is shown, to read.
    window.kadita = Object.freeze({
      get state() {
        return { ...player.state, frame: player.frame };
      },
      place: (frame, fish) => [0, 1, 2].map((axis) => school.place(frame, fish, axis)),
    });
  })
  .catch(fail);
