/** What the package costs before it computes. */
import type { Case, Suite } from "../suite.js";

const footprintCase = (kind: string, name: string, unit: string, peers?: readonly string[]): Case => ({
  name,
  unit,
  spec: { kind },
  value: (x) => x,
  peers,
});

export const startup: Suite = {
  name: "startup",
  about:
    "milliseconds that an import adds to an empty program; bytes of the addon, and of the package with what it needs",
  peers: ["jax-js", "tfjs-cpu", "onnxruntime"],
  cases: [
    footprintCase("esm", "import-esm", "ms"),
    footprintCase("cjs", "import-cjs", "ms"),
    footprintCase("addon", "addon", "bytes", []),
    footprintCase("installed", "installed", "bytes"),
  ],
  threads: [1],
  sampleMs: 4000,
  rounds: 3,
};
