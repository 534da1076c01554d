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

  /** One component of the heading, of any length. */
  towards(frame, fish, axis) {
    return this.heading[3 * (frame * this.nFish + fish) + axis];
  }

  /** When a frame was, in words. */
  moment(frame) {
    return about.moment.replace("{}", Number(this.time[frame].toPrecision(6)));
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

/** The number of the colour of a direction; z is the cosine of its angle to the vertical. */
function colourOf(x, y, z) {
  const [upwards, around] = about.arrays.heading_colours.shape;
  const row = Math.round(((z + 1) / 2) * (upwards - 1));
  const turn = Math.atan2(y, x) / (2 * Math.PI) + 1;
  return row * around + (Math.round(turn * around) % around);
}

/** Writes the colour of a fish into an array of bytes. */
class Painter {
  constructor(school) {
    this.school = school;
    this.mode = "heading";
  }

  paint(frame, fish, target, at) {
    const { school, mode } = this;
    const table = school[`${mode}_colours`] ?? school.scale_colours;
    const index = mode === "heading" ? this.direction(frame, fish) : school[mode][frame * school.nFish + fish];
    for (let part = 0; part < 3; part++) target[at + part] = table[3 * index + part];
  }

  direction(frame, fish) {
    const { heading, nFish } = this.school;
    const at = 3 * (frame * nFish + fish);
    return colourOf(heading[at], heading[at + 1], heading[at + 2] / about.heading_scale);
  }
}
