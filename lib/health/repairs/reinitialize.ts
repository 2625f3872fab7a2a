/** Weights drawn anew, by what follows them and by how a batch passes. */
import { auto } from "../../init/auto.js";
import type { Repair } from "./repair.js";

export const reinitialize: Repair = {
  name: "reinitialize",
  apply({ loop: { model }, sample, structure }) {
    if (structure.uses.length === 0 || sample.x.dtype !== "f32") return undefined;
    const before = model.parameters().map((p) => ({ p, initial: p.initial, storage: p.storage }));
    const drawn = auto(model, sample.x);
    if (drawn.length === 0) return undefined; // frozen weights stay
    return {
      did: `drew ${drawn.length < structure.uses.length ? "the weights that are not frozen" : "all weights"} anew by what follows them, scaled and centred by a batch`,
      code: "init.auto(model, batch.x)",
      undo() {
        for (const { p, initial, storage } of before) Object.assign(p, { initial, storage });
      },
    };
  },
};
