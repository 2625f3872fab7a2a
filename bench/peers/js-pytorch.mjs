// js-pytorch: nested lists of numbers. Of layers it has linear and ReLU, of optimizers Adam.
import { torch } from "js-pytorch";
import { batches, floats, layersOf, transposed, whole } from "./training.mjs";

/** A flat array as `rows` lists. */
const nested = (values, rows) => {
  const columns = values.length / rows;
  return Array.from({ length: rows }, (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns)));
};

function step(spec) {
  const layers = layersOf(spec);
  const other = layers.find(({ kind }) => kind !== "linear" && kind !== "relu");
  if (other || spec.optimizer !== "adam") return { unsupported: `it has no ${other?.kind ?? spec.optimizer}` };
  const y = whole(spec.y);
  const rows = nested(floats(spec.x), y.length);
  const modules = layers.map(({ kind, ins, outs, weight }) => {
    if (kind === "relu") return new torch.nn.ReLU();
    const made = new torch.nn.Linear(ins, outs, "cpu");
    made.W._data = nested(transposed(weight, outs, ins), ins);
    return made;
  });
  const params = modules.flatMap((module) => module.parameters());
  const optimizer = new torch.optim.Adam(params, spec.lr, 0, [0.9, 0.999], 1e-8);
  const criterion = new torch.nn.CrossEntropyLoss();
  const order = batches(y.length, spec.batch, true);
  return {
    note: "no clipping, and an Adam without bias corrections",
    async run(calls) {
      for (let i = 0; i < calls; i++) {
        const batch = [...order.next().value];
        const input = torch.tensor(batch.map((row) => rows[row]));
        const output = modules.reduce((v, module) => module.forward(v), input);
        criterion.forward(output, torch.tensor(batch.map((row) => y[row]))).backward();
        optimizer.step();
        optimizer.zero_grad();
      }
    },
  };
}

export const kinds = { step };
