/** How late the event loop is while a network with long steps trains. */
import { networks } from "../cases.js";
import type { Suite } from "../suite.js";
import { stepCase } from "./step.js";

/** Rows per step: some 200 ms of work. */
const batch = 1024;
const base = stepCase("c");
const { x, y } = base.inputs ?? {};
const rows = 2 * batch;

export const loop: Suite = {
  name: "loop",
  about: "delay of the event loop, in steps of 1 ms, while a network of 200 ms a step trains",
  peers: [],
  cases: Object.entries({ p50: 50, p99: 99, max: 100 }).map(([name, percentile]) => ({
    name,
    unit: "ms",
    spec: { ...base.spec, kind: "loop", batch, percentile },
    inputs: { ...base.inputs, x: { ...x, size: rows * networks.c.inputs }, y: { ...y, size: rows } },
    value: (ms) => ms,
  })),
  sampleMs: 1500,
  rounds: 3,
};
