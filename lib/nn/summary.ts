/** A table of a module's layers: output shapes, parameters, bytes. */
import { bytesOf } from "../dtype.js";
import { defaultGenerator, zeros } from "../ops/index.js";
import { checkShape, type Shape, showShape, sizeOf } from "../shape.js";
import type { Tensor, Variable } from "../tensor.js";
import { inMode, type Module } from "./module.js";

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
  const { output, shapes } = trace(module, zeros(shape));
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
      { path, layer: part.constructor.name, outputShape: shapes.get(part), parameters: count(own), bytes: bytes(own) },
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

/** Builds the forward graph in evaluation mode and notes what every module returned; draws no random numbers. */
function trace(module: Module, x: Tensor): { output: Tensor; shapes: Map<Module, Shape> } {
  const shapes = new Map<Module, Shape>();
  const drawn = defaultGenerator.state();
  const restore = module.namedModules().map(([, part]) => {
    const own = Object.getOwnPropertyDescriptor(part, "forward");
    const forward = part.forward;
    const noting = (...args: Parameters<Module["forward"]>): Tensor => {
      const y = forward.apply(part, args);
      shapes.set(part, y.shape);
      return y;
    };
    Object.defineProperty(part, "forward", { value: noting, configurable: true, enumerable: false });
    return () => {
      Reflect.deleteProperty(part, "forward");
      if (own) Object.defineProperty(part, "forward", own);
    };
  });
  try {
    return { output: inMode(module, false, () => module.forward(x)), shapes };
  } finally {
    for (const undo of restore) undo();
    defaultGenerator.restore(drawn);
  }
}

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
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((n) => "─".repeat(n)).join("──");
  const frozen = parameters - trainable;
  return [
    `input ${showShape(inputShape)}`,
    line(cells[0]),
    rule,
    ...cells.slice(1, -1).map(line),
    rule,
    line(cells[cells.length - 1]),
    ...(frozen ? [`${grouped(trainable)} trainable, ${grouped(frozen)} frozen`] : []),
  ].join("\n");
}
