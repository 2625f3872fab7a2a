/** A table of a module's layers: output shapes, parameters, bytes. */
import { bytesOf } from "../dtype.js";
import { zeros } from "../ops/index.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import { table } from "../table.js";
import type { Variable } from "../tensor.js";
import type { Module } from "./module.js";
import { traceLayers } from "./trace.js";

/** One layer. */
export interface SummaryRow {
  /** Where the layer stands in the model, e.g. `blocks.0.fc`; "" for the model itself. */
  path: string;
  /** Class name. */
  layer: string;
  /** Shape of its latest output; undefined if the model did not call it. */
  outputShape: Shape | undefined;
  /** Elements of its own parameters, those of inner layers not counted. */
  parameters: number;
  /** Bytes of its own parameters and buffers. */
  bytes: number;
}

/** What {@link Module.summary} returns; as a string it is a table. */
export interface Summary {
  inputShape: Shape;
  outputShape: Shape;
  /** Layers that hold variables or have no layers within, in order of declaration. */
  rows: SummaryRow[];
  /** Elements of all parameters. */
  parameters: number;
  /** Elements of the parameters that are not frozen. */
  trainable: number;
  /** Bytes of all parameters and buffers. */
  bytes: number;
  toString(): string;
}

export function summarize(module: Module, inputShape: Shape): Summary {
  const shape = checkShape("summary", inputShape);
  const { output, outputs } = traceLayers(module, zeros(shape));
  const variables = module.namedVariables();
  const modules = module.namedModules();
  const inside = (path: string): string => (path ? `${path}.` : "");
  // The innermost module whose path begins a variable's path is its owner.
  const owner = (name: string): string =>
    modules
      .map(([path]) => path)
      .filter((path) => name.startsWith(inside(path)))
      .sort((a, b) => b.length - a.length)[0];
  const rows = modules.flatMap(([path, part]): SummaryRow[] => {
    const own = variables.filter(([name]) => owner(name) === path).map(([, variable]) => variable);
    if (!own.length && part.children().length) return [];
    return [
      {
        path,
        layer: part.constructor.name,
        outputShape: outputs.get(part)?.shape,
        parameters: count(own),
        bytes: bytes(own),
      },
    ];
  });
  const all = variables.map(([, variable]) => variable);
  const trainable = all.filter((variable) => variable.trainable);
  const totals = { parameters: count(all), trainable: count(trainable), bytes: bytes(all) };
  const summary = { inputShape: shape, outputShape: output.shape, rows, ...totals };
  return Object.defineProperty(summary, "toString", { value: () => render(summary), enumerable: false });
}

const count = (variables: readonly Variable[]): number =>
  variables.reduce((sum, v) => sum + (v.learnable ? sizeOf(v.shape) : 0), 0);
const bytes = (variables: readonly Variable[]): number =>
  variables.reduce((sum, v) => sum + sizeOf(v.shape) * bytesOf(v.dtype), 0);

const grouped = (n: number): string => n.toLocaleString("en-US");

/** Bytes in the unit that reads best, e.g. `1.6 MB`. */
function size(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  return power ? `${(n / 1000 ** power).toPrecision(3)} ${units[power]}` : `${n} B`;
}

function render({ inputShape, rows, parameters, trainable, bytes: total }: Omit<Summary, "toString">): string {
  const cells = [
    ["path", "layer", "output", "parameters", "size"],
    ...rows.map((r) => [
      r.path || "(model)",
      r.layer,
      r.outputShape ? showShape(r.outputShape) : "not called",
      grouped(r.parameters),
      size(r.bytes),
    ]),
    ["total", "", "", grouped(parameters), size(total)],
  ];
  const frozen = parameters - trainable;
  return [
    `input ${showShape(inputShape)}`,
    table(cells, { left: 3, footer: true }),
    ...(frozen ? [`${grouped(trainable)} trainable, ${grouped(frozen)} frozen`] : []),
  ].join("\n");
}
