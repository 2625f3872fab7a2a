/** Changes of a model's layers: norms, residual paths, activations, dropout, and what stands before and after. */
import * as nn from "../../nn/index.js";
import type { Module } from "../../nn/module.js";
import { traceLayers } from "../../nn/trace.js";
import { type Applied, chain, ownerOf, type Patient, type Repair, replaceModule, restructure } from "./repair.js";

const partAt = (model: Module, path: string): Module | undefined =>
  model.namedModules().find(([at]) => at === path)?.[1];

/** Replaces modules by path; undefined if there are none. */
function edit(
  { loop }: Patient,
  edits: readonly (readonly [path: string, make: (old: Module) => Module])[],
  words: Omit<Applied, "undo">,
): Applied | undefined {
  if (edits.length === 0) return undefined;
  const undos = edits.map(([path, make]) => replaceModule(loop.model, path, make));
  return { ...words, undo: restructure(loop, undos) };
}

/** Hidden Linear layers whose sums no norm follows. */
const bareLinears = ({ structure, loop }: Patient) =>
  structure.uses
    .filter((use) => use.meets !== "head" && !use.normalized && !use.recurrent && use.sum.rank === 2)
    .map((use) => ownerOf(use.path))
    .filter((path) => path !== "" && partAt(loop.model, path) instanceof nn.Linear);

export const normalize: Repair = {
  name: "normalize",
  apply(patient) {
    const batch = patient.loop.options.batchSize ?? 32;
    const Norm = batch >= 16 ? nn.BatchNorm : nn.LayerNorm;
    const name = batch >= 16 ? "BatchNorm" : "LayerNorm";
    const paths = bareLinears(patient);
    return edit(
      patient,
      paths.map((path) => [path, (old) => chain(old, new Norm((old as nn.Linear).outFeatures))]),
      { did: `a ${name} after each of ${paths.join(", ")}`, code: `new nn.${name}(features)` },
    );
  },
};

export const layerNorm: Repair = {
  name: "layerNorm",
  apply(patient) {
    const found = patient.loop.model.namedModules().filter(([path, part]) => path && part instanceof nn.BatchNorm);
    return edit(
      patient,
      found.map(([path]) => [path, (old) => new nn.LayerNorm((old as nn.BatchNorm).features)]),
      {
        did: `LayerNorm in place of BatchNorm at ${found.map(([path]) => path).join(", ")}`,
        code: "new nn.LayerNorm(features)",
      },
    );
  },
};

/** What may stand in a block behind its Linear: it keeps the shape, and does nothing alone. */
const follows = (part: Module): boolean =>
  part instanceof nn.BatchNorm ||
  part instanceof nn.LayerNorm ||
  part instanceof nn.RMSNorm ||
  part instanceof nn.Dropout ||
  (part.children().length === 0 && part.parameters().length === 0 && !(part instanceof nn.Lambda));

/** Paths of a Linear in a Sequential and of the norm, activation and dropout behind it. */
function blockAt(model: Module, path: string): string[] {
  const dot = path.lastIndexOf(".");
  const [holder, at] = [path.slice(0, Math.max(0, dot)), Number(path.slice(dot + 1))];
  const parent = holder === "" ? model : partAt(model, holder);
  const paths = [path];
  if (!(parent instanceof nn.Sequential)) return paths;
  for (let i = at + 1; i < parent.length && follows(parent[i]); i++) paths.push(`${holder ? `${holder}.` : ""}${i}`);
  return paths;
}

export const residual: Repair = {
  name: "residual",
  apply(patient) {
    const { model } = patient.loop;
    const paths = patient.structure.uses
      .filter((use) => use.meets !== "head" && !use.block && !use.recurrent)
      .map((use) => ownerOf(use.path))
      .filter((path) => {
        const part = path ? partAt(model, path) : undefined;
        return part instanceof nn.Linear && part.inFeatures === part.outFeatures;
      });
    const edits = paths.flatMap((path) => {
      const [first, ...rest] = blockAt(model, path);
      const behind = rest.map((at) => partAt(model, at) as Module);
      const block = (old: Module): Module =>
        new nn.Residual(behind.length ? chain(old, ...behind) : old, { scale: 0, learned: true });
      return [[first, block] as const, ...rest.map((at) => [at, (): Module => new nn.Lambda((x) => x)] as const)];
    });
    return edit(patient, edits, {
      did: `a path beside each of ${paths.join(", ")} and what follows it, which begin with a factor of 0 (ReZero)`,
      code: "new nn.Residual(new nn.Sequential(layer, norm, activation), { scale: 0, learned: true })",
    });
  },
};

const flat = [nn.Sigmoid, nn.Tanh, nn.Softsign, nn.HardSigmoid, nn.Hardtanh, nn.Softplus] as const;

export const replaceActivation: Repair = {
  name: "replaceActivation",
  apply(patient) {
    const { model } = patient.loop;
    const parts = model.namedModules().filter(([path]) => path);
    const { output, outputs } = traceLayers(model, patient.sample.x);
    const inner = parts.filter(([, part]) => outputs.get(part) !== output);
    const curved = inner.filter(([, part]) => flat.some((Kind) => part instanceof Kind));
    const relus = inner.filter(([, part]) => part instanceof nn.ReLU);
    const chosen = curved.length > 0 ? curved : relus;
    return edit(
      patient,
      chosen.map(([path]) => [path, () => (curved.length > 0 ? new nn.ReLU() : new nn.LeakyReLU(0.1))]),
      curved.length > 0
        ? { did: `ReLU in place of what stood at ${chosen.map(([path]) => path).join(", ")}`, code: "new nn.ReLU()" }
        : { did: `LeakyReLU at ${chosen.map(([path]) => path).join(", ")}`, code: "new nn.LeakyReLU(0.1)" },
    );
  },
};

export const insertActivation: Repair = {
  name: "insertActivation",
  apply(patient) {
    const paths = patient.structure.uses
      .filter((use) => use.meets !== "head" && use.meets !== "gate" && !use.through)
      .map((use) => ownerOf(use.path))
      .filter((path) => path !== "");
    return edit(
      patient,
      paths.map((path) => [path, (old) => chain(old, new nn.ReLU())]),
      { did: `a ReLU after each of ${paths.join(", ")}`, code: "new nn.ReLU()" },
    );
  },
};

export const dropout: Repair = {
  name: "dropout",
  apply(patient) {
    const paths = patient.structure.uses
      .filter((use) => use.meets === "head")
      .map((use) => ownerOf(use.path))
      .filter((path) => path !== "");
    return edit(
      patient,
      paths.map((path) => [path, (old) => chain(new nn.Dropout(0.3), old)]),
      { did: `dropout of 30 % before ${paths.join(", ")}`, code: "new nn.Dropout(0.3)" },
    );
  },
};

export const weakerDropout: Repair = {
  name: "weakerDropout",
  degrees: 2,
  apply(patient, _, degree = 1) {
    const p = degree === 1 ? 0.1 : 0;
    const found = patient.loop.model
      .namedModules()
      .filter(([path, part]) => path && part instanceof nn.Dropout && part.p > 0.5)
      .map(([path]) => path);
    return edit(
      patient,
      found.map((path) => [path, () => new nn.Dropout(p)]),
      { did: `dropout of ${100 * p} % at ${found.join(", ")}`, code: `new nn.Dropout(${p})` },
    );
  },
};

export const dropActivation: Repair = {
  name: "dropActivation",
  apply(patient) {
    const { model } = patient.loop;
    const traced = traceLayers(model, patient.sample.x);
    const kinds = [nn.Softmax, nn.Sigmoid, nn.ReLU, nn.Tanh];
    const found = model
      .namedModules()
      .find(
        ([path, part]) =>
          path && traced.outputs.get(part) === traced.output && kinds.some((Kind) => part instanceof Kind),
      );
    if (!found) return undefined;
    return edit(patient, [[found[0], () => new nn.Lambda((x) => x)]], {
      did: `took ${found[1].constructor.name} at ${found[0]} away: the model now gives raw scores`,
      code: "new nn.Sequential(…, new nn.Linear(width, classes))",
    });
  },
};

/** z ↦ zσ + μ after the head, and the loss in units of σ²: gradients are as of targets of variance 1. */
export const rescaleOutputs: Repair = {
  name: "rescaleOutputs",
  apply(patient, finding) {
    const { loop, sample, structure, facts } = patient;
    const heads = structure.uses.filter((use) => use.meets === "head").map((use) => ownerOf(use.path));
    if (heads.length !== 1 || heads[0] === "" || facts.loss.kind !== "square") return undefined;
    const y = sample.y.cast("f32");
    const [mean, std] = [y.mean({ axes: 0 }), y.std({ axes: 0 }).add(1e-12)];
    const { loss } = loop.options;
    const { variance } = facts.target;
    const bare = dropActivation.apply(patient, finding); // what is bounded cannot be scaled to any target
    const edited = edit(
      patient,
      [[heads[0], (old) => chain(old, new nn.Standardize(mean.div(std).neg(), std.reciprocal()))]],
      {
        did: "outputs scaled and shifted to the targets' standard deviation and mean, the loss divided by their variance",
        code: "new nn.Standardize(mean.div(std).neg(), std.reciprocal())",
      },
    );
    if (!edited) {
      bare?.undo();
      return undefined;
    }
    loop.change({ loss: (z, t) => loss(z, t).div(variance) });
    return {
      ...edited,
      did: bare ? `${bare.did}; ${edited.did}` : edited.did,
      undo() {
        edited.undo();
        bare?.undo();
        loop.change({ loss });
      },
    };
  },
};

export const rescaleInputs: Repair = {
  name: "rescaleInputs",
  apply(patient) {
    const { model } = patient.loop;
    const { x } = patient.sample;
    if (x.dtype !== "f32") return undefined;
    const traced = traceLayers(model, x);
    const firsts = model
      .namedModules()
      .filter(([path, part]) => path && part.children().length === 0 && traced.inputs.get(part) === x);
    if (firsts.some(([, part]) => part instanceof nn.Standardize)) return undefined;
    return edit(
      patient,
      firsts.map(([path]) => [path, (old) => chain(new nn.Standardize(x.mean({ axes: 0 }), x.std({ axes: 0 })), old)]),
      {
        did: `features brought to mean 0 and variance 1 before ${firsts.map(([path]) => path).join(", ")}`,
        code: "new nn.Standardize(x.mean({ axes: 0 }), x.std({ axes: 0 }))",
      },
    );
  },
};
