/** Which batches are trained on. */
import type { Repair } from "./repair.js";

/** Only before the first step: the number of steps changes. */
export const dropLast: Repair = {
  name: "dropLast",
  apply({ loop }) {
    const { dropLast: before } = loop.options;
    if (loop.at > 0 || before) return undefined;
    loop.change({ dropLast: true });
    return {
      did: "the last, smaller batch of each epoch is left out",
      code: "dropLast: true",
      undo: () => loop.change({ dropLast: before }),
    };
  },
};
