/** Which parameters learn: those that the optimizer was not given, and those that are frozen. */
import type { Variable } from "../../tensor.js";
import { type Applied, optimizerLike, type Patient, type Repair } from "./repair.js";

/** `model.a and 3 more` */
const named = (list: readonly Variable[]): string =>
  `${list[0].label}${list.length > 1 ? ` and ${list.length - 1} more` : ""}`;

/** Gives an optimizer of the same kind all that is trainable. */
function giving({ loop }: Patient, words: Omit<Applied, "undo">, undo = (): void => {}): Applied {
  const { optimizer } = loop.options;
  loop.change({ optimizer: optimizerLike(optimizer, loop.model) });
  return {
    ...words,
    undo() {
      undo();
      loop.change({ optimizer });
    },
  };
}

export const giveAll: Repair = {
  name: "giveAll",
  apply(patient) {
    const { optimizer } = patient.loop.options;
    const known = new Set<Variable>(optimizer.params);
    const missing = patient.loop.model.parameters().filter((p) => p.trainable && !known.has(p));
    if (missing.length === 0) return undefined;
    return giving(patient, {
      did: `gave the optimizer ${named(missing)}`,
      code: `new optim.${optimizer.name}(model.parameters(), …)`,
    });
  },
};

export const unfreeze: Repair = {
  name: "unfreeze",
  apply(patient) {
    const still = patient.loop.model.parameters().filter((p) => !p.trainable);
    if (still.length === 0) return undefined;
    const free = (trainable: boolean) => (): void => {
      for (const p of still) p.trainable = trainable;
    };
    free(true)();
    return giving(patient, { did: `let ${named(still)} learn`, code: "model.unfreeze()" }, free(false));
  },
};
