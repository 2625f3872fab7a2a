/** Smaller steps, larger steps, and steps that begin small. */

import { warmup } from "../../optim/index.js";
import type { Loop } from "../../train/loop.js";
import type { Applied, Repair } from "./repair.js";

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

export const raiseRate: Repair = {
  name: "raiseRate",
  degrees: 4,
  apply: ({ loop }, _, degree = 1) => scaled(loop, 10 ** degree),
};

/** Up from nearly 0, over a tenth of what is left. */
export const warmUp: Repair = {
  name: "warmUp",
  apply({ loop }) {
    const { schedule } = loop.options;
    const from = loop.at;
    const steps = Math.max(1, Math.round((loop.total - from) / 10));
    const ramp = warmup(steps);
    const then = schedule ?? (() => 1);
    loop.change({ schedule: (step, total) => (step < from ? 1 : ramp(step - from, total)) * then(step, total) });
    return {
      did: `the rate rises over ${steps} steps`,
      code: `schedule: optim.warmup(${steps})`,
      undo: () => loop.change({ schedule }),
    };
  },
};
