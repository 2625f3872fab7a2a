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

export const shuffle: Repair = {
  name: "shuffle",
  apply({ loop }) {
    if (loop.options.shuffle !== false) return undefined;
    loop.change({ shuffle: true });
    return {
      did: "rows come in a new order each epoch",
      code: "shuffle: true",
      undo: () => loop.change({ shuffle: false }),
    };
  },
};

/** Rows of a step that are enough for a norm over the batch, and for a gradient that is more than chance. */
const enough = 32;

/** As many steps as before, of more rows each; only before the first step. */
export const largerBatch: Repair = {
  name: "largerBatch",
  apply({ loop }) {
    const { batchSize = 32, epochs } = loop.options;
    const wanted = Math.min(enough, loop.set.size);
    if (loop.at > 0 || batchSize >= wanted) return undefined;
    const steps = loop.total;
    loop.change({ batchSize: wanted });
    const more = Math.max(1, Math.round(steps / loop.stepsPerEpoch));
    loop.change({ epochs: more });
    return {
      did: `${wanted} rows per step instead of ${batchSize}, in ${more} epochs instead of ${epochs ?? 1}: as many steps`,
      code: `batchSize: ${wanted}, epochs: ${more}`,
      undo: () => loop.change({ batchSize, epochs }),
    };
  },
};
