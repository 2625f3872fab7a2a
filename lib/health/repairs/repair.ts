/** What a repair is: a change of a run that can be taken back. */
import type { Structure } from "../../init/structure.js";
import { Sequential } from "../../nn/index.js";
import type { Module } from "../../nn/module.js";
import type { Optimizer } from "../../optim/index.js";
import type { CommonOptions } from "../../optim/optimizer.js";
import type { Tensor, Variable } from "../../tensor.js";
import type { Loop } from "../../train/loop.js";
import type { StartFacts } from "../facts/start.js";
import type { Finding, RepairName } from "../finding.js";

/** A run to be repaired, as it is now. */
export interface Patient {
  readonly loop: Loop;
  /** Rows of the training set. */
  readonly sample: { readonly x: Tensor; readonly y: Tensor };
  readonly facts: StartFacts;
  readonly structure: Structure;
}

/** A repair that was made. */
export interface Applied {
  /** What it changed, in words. */
  readonly did: string;
  /** The line that does the same. */
  readonly code: string;
  undo(): void;
}

export interface Repair {
  readonly name: RepairName;
  /** How strongly it can be made: 1 to so many; 1 unless told. */
  readonly degrees?: number;
  /** Makes the change; undefined where there is nothing that it could change. */
  apply(patient: Patient, finding: Finding, degree?: number): Applied | undefined;
}

/** Another module at a path; returns how to put the old one back. */
export function replaceModule(model: Module, path: string, make: (old: Module) => Module): () => void {
  const keys = path.split(".");
  let holder: object = model;
  for (const key of keys.slice(0, -1)) holder = Reflect.get(holder, key) as object;
  const last = keys[keys.length - 1];
  const old = Reflect.get(holder, last) as Module;
  Reflect.set(holder, last, make(old));
  return () => void Reflect.set(holder, last, old);
}

/** Modules one after the other that keep their weights. */
export const chain = (...parts: Module[]): Module => new Sequential(...parts, { autoInit: false });

/** Undoes in the reverse order. */
export const undoAll = (undos: readonly (() => void)[]) => (): void => {
  for (const undo of [...undos].reverse()) undo();
};

/** The path of the module that owns a parameter. */
export const ownerOf = (path: string): string => path.slice(0, path.lastIndexOf("."));

/** An optimizer of the same kind, with other options, that also has the parameters that a model got meanwhile. */
export function optimizerLike(
  old: Optimizer,
  model: Module,
  changes: Partial<CommonOptions> & Record<string, unknown> = {},
): Optimizer {
  const known = new Set<Variable>(old.params);
  const fresh = model.parameters().filter((p) => p.trainable && !known.has(p));
  const groups = old.groups.map(({ params, options }, i) => ({
    ...options,
    ...changes,
    params: i === 0 ? [...params, ...fresh] : [...params],
  }));
  const Kind = old.constructor as new (params: object, options: object) => Optimizer;
  return new Kind(groups, { ...old.groups[0].options, ...changes });
}

/** Changes a model's structure: the loop learns of it, and the optimizer gets the new parameters. */
export function restructure(loop: Loop, undos: readonly (() => void)[]): () => void {
  const { optimizer } = loop.options;
  const known = new Set<Variable>(optimizer.params);
  const grown = loop.model.parameters().some((p) => p.trainable && !known.has(p));
  loop.change(grown ? { optimizer: optimizerLike(optimizer, loop.model) } : {});
  return () => {
    undoAll(undos)();
    loop.change({ optimizer });
  };
}
