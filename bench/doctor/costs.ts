/** Whether the doctor's counts of what steps and looks cost (`lib/health/cost.ts`) hold against processor time. */
import { costs as counted } from "../../lib/health/cost.js";
import { stepReading } from "../../lib/health/probe.js";
import { structureIn } from "../../lib/init/structure.js";
import { traceLayers } from "../../lib/nn/trace.js";
import { arange } from "../../lib/ops/index.js";
import { table } from "../../lib/table.js";
import { type Sized, secondsOf, sizedRuns } from "./overhead.js";

/** Microseconds, counted and measured. */
interface Cost {
  readonly counted: number;
  readonly measured: number;
}

export type Costs = Readonly<Record<string, { readonly step: Cost; readonly look: Cost }>>;

/** Of the first step of a run. */
function countsOf({ set, model: make, options: given }: Sized): { plain: number; look: number } {
  const model = make();
  const { loss: lossOf, optimizer, batchSize = 32 } = given(model);
  const { x, y } = set.batch(arange(0, batchSize, 1, "i32"));
  const trace = traceLayers(model, x, "training");
  const loss = lossOf(trace.output, y);
  const parts = { x, y, trace, loss, step: optimizer.graph(loss) };
  const structure = structureIn(model, x, trace);
  const { tensors } = stepReading(structure, parts, optimizer, false);
  return counted(parts, tensors, structure.uses.length);
}

/** What an epoch takes with a look at every step and with the fewest; the rest of both is the same. */
export async function costs(rounds: number): Promise<Costs> {
  const found: Record<string, Costs[string]> = {};
  for (const [name, whole] of Object.entries(await sizedRuns())) {
    const steps = 100;
    const { batchSize = 32 } = whole.options(whole.model());
    const sized = { ...whole, set: whole.set.take(steps * batchSize) };
    const least = { off: Infinity, few: Infinity, all: Infinity };
    for (let round = 0; round <= rounds; round++) {
      const off = await secondsOf(sized, false, { epochs: 1 });
      const few = await secondsOf(sized, { every: steps }, { epochs: 1 });
      const all = await secondsOf(sized, { every: 1 }, { epochs: 1 });
      if (round === 0) continue; // compiles
      least.off = Math.min(least.off, off);
      least.few = Math.min(least.few, few);
      least.all = Math.min(least.all, all);
    }
    const { plain, look } = countsOf(sized);
    found[name] = {
      step: { counted: plain / 1e3, measured: (1e6 * least.off) / steps },
      look: { counted: look / 1e3, measured: (1e6 * (least.all - least.few)) / (steps - 1) },
    };
  }
  return found;
}

export function costsTable(found: Costs): string {
  const micros = ({ counted: c, measured: m }: Cost): string[] => [c.toFixed(0), m.toFixed(0), (c / m).toFixed(2)];
  const rows = Object.entries(found).map(([name, { step, look }]) => [name, ...micros(step), ...micros(look)]);
  return table([["µs", "step counted", "measured", "ratio", "look counted", "measured", "ratio"], ...rows], {
    left: 1,
  });
}
