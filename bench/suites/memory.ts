/** Most memory that a process has while it trains, interpreter included. */
import type { Suite } from "../suite.js";
import { stepCase } from "./step.js";

export const memory: Suite = {
  name: "memory",
  about: "peak resident memory of a process that trains",
  peers: ["torch", "jax-js", "tfjs-wasm"],
  cases: ["a256", "c"].map((name) => ({
    name,
    unit: "MiB",
    spec: { ...stepCase(name).spec, kind: "memory" },
    inputs: stepCase(name).inputs,
    value: (mebibytes) => mebibytes,
  })),
  threads: [2],
  sampleMs: 500,
  rounds: 3,
  fresh: true,
};
