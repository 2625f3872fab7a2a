/** Smaller steps, larger steps, and steps that begin small. */

import { linear, type Schedule, warmup } from "../../optim/index.js";
import type { Loop } from "../../train/loop.js";
import { type Applied, type Repair, undoAll } from "./repair.js";

function scaled({ options: { optimizer } }: Loop, factor: number): Applied | undefined {
  const before = optimizer.lr;
  if (!(before > 0)) return undefined;
  const rate = Number((before * factor).toPrecision(3));
  optimizer.lr = rate;
  return {
    did: `learning rate ${Number(before.toPrecision(6))} to ${rate}`,
    code: `optimizer.lr = ${rate}`,
    undo() {
      optimizer.lr = before;
    },
  };
}

/** By a power of ten. */
export const lowerRate: Repair = {
  name: "lowerRate",
  degrees: 4,
  apply: ({ loop }, _, degree = 1) => scaled(loop, 10 ** -degree),
};

/** A schedule for the steps that are left, times the one there is; returns how to take it away. */
function scheduled(loop: Loop, added: Schedule): () => void {
  const { schedule } = loop.options;
  const from = loop.at;
  const own = schedule ?? (() => 1);
  loop.change({
    schedule: (step, total) => (step < from ? 1 : added(step - from, total - from)) * own(step, total),
  });
  return () => loop.change({ schedule });
}

/** A trial of few steps likes long ones, which shake at the end: unless there is a schedule, a raised rate falls to a tenth. */
export const raiseRate: Repair = {
  name: "raiseRate",
  degrees: 4,
  apply({ loop }, _, degree = 1) {
    const raised = scaled(loop, 10 ** degree);
    if (!raised || loop.options.schedule) return raised;
    const undo = scheduled(loop, linear({ floor: 0.1 }));
    return {
      did: `${raised.did}, and from there to a tenth by the end`,
      code: `${raised.code}, schedule: optim.linear({ floor: 0.1 })`,
      undo: undoAll([raised.undo, undo]),
    };
  },
};

/** Up from nearly 0, over a tenth of what is left. */
export const warmUp: Repair = {
  name: "warmUp",
  apply({ loop }) {
    const steps = Math.max(1, Math.round((loop.total - loop.at) / 10));
    const undo = scheduled(loop, warmup(steps));
    return { did: `the rate rises over ${steps} steps`, code: `schedule: optim.warmup(${steps})`, undo };
  },
};
