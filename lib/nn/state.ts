/** Snapshots of a module's variables, and taking one over. */
import { checkOptions, closest, fail, show } from "../error.js";
import { read } from "../run/index.js";
import { sameShape, showShape } from "../shape.js";
import { Constant, type Tensor, type Variable } from "../tensor.js";
import type { Module } from "./module.js";

/** Whether every name must be there and none besides (the default). */
export interface LoadOptions {
  strict?: boolean;
}

/** Names that a snapshot did not have, and those it had besides. */
export interface LoadReport {
  missing: string[];
  unexpected: string[];
}

export async function state(module: Module): Promise<Record<string, Constant>> {
  const named = module.namedVariables();
  const values = await read(named.map(([, variable]) => variable));
  return Object.fromEntries(
    named.map(([path, { shape, dtype }], i) => [path, new Constant(values[i].slice(), shape, dtype)]),
  );
}

export function loadState(module: Module, values: Readonly<Record<string, Tensor>>, options: LoadOptions): LoadReport {
  checkOptions("loadState", options, ["strict"]);
  if (typeof values !== "object" || values === null)
    fail("loadState", `state must be an object of tensors, got ${show(values)}`);
  const named = module.namedVariables();
  const paths = named.map(([path]) => path);
  const report = {
    missing: paths.filter((path) => !Object.hasOwn(values, path)),
    unexpected: Object.keys(values).filter((path) => !paths.includes(path)),
  };
  if (options.strict ?? true) checkNames(report);
  const loads = named.flatMap(([path, variable]): [Variable, Constant][] =>
    Object.hasOwn(values, path) ? [[variable, checkValue(path, variable, values[path])]] : [],
  );
  for (const [variable, constant] of loads) {
    if (variable.storage) variable.storage.set(constant.values);
    else variable.initial = constant; // a constant is never written, so it may be shared
  }
  return report;
}

/** Up to five names, each with the closest one of the other side. */
function list(names: readonly string[], others: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => {
    const guess = closest(name, others);
    return guess ? `${show(name)} (${show(guess)}?)` : show(name);
  });
  return `${shown.join(", ")}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ""}`;
}

function checkNames({ missing, unexpected }: LoadReport): void {
  if (!missing.length && !unexpected.length) return;
  const parts = [
    missing.length ? `missing ${list(missing, unexpected)}` : "",
    unexpected.length ? `unexpected ${list(unexpected, missing)}` : "",
  ].filter(Boolean);
  fail(
    "loadState",
    `names must be those of the module, got ${parts.join("; ")}. Pass { strict: false } to load what fits`,
  );
}

function checkValue(path: string, variable: Variable, value: unknown): Constant {
  if (!(value instanceof Constant)) {
    fail(
      "loadState",
      `${show(path)} must be a tensor with known values, got ${show(value)}. Make it with tensor(…) or module.state()`,
    );
  }
  if (!sameShape(value.shape, variable.shape) || value.dtype !== variable.dtype) {
    const [want, got] = [variable, value].map((t) => `${t.dtype}${showShape(t.shape)}`);
    fail("loadState", `${show(path)} must be ${want}, got ${got}. Is the model built with the same sizes?`);
  }
  if (variable.writer !== undefined) {
    fail(
      "loadState",
      `no run may be writing the module, got ${show(path)} in use by ${variable.writer}. Await it first`,
    );
  }
  return value;
}
