/** Who can be measured beside us: how each is started, or why it is not there. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { addon } from "../lib/run/addon.js";
import type { Command } from "./contender.js";
import { driver } from "./drivers.js";
import { source } from "./paths.js";

/** A peer that is there, or the reason why it is not. */
export type Presence = { readonly command: Command; readonly version: string } | { readonly absent: string };

/** Version of a Debian package, as far as it can be told. */
function debianVersion(name: string): string {
  try {
    return execFileSync("dpkg-query", ["-W", "-f", "$" + "{Version}", name], { encoding: "utf8", stdio: "pipe" });
  } catch {
    return "unknown";
  }
}

/** A library with a driver in C++ that is linked with it. */
const native = (name: string, file: string, libraries: readonly string[], debian: string) => (): Presence => {
  const built = driver(name, { source: file, libraries, debian });
  return "absent" in built ? built : { command: { program: built.program, args: [] }, version: debianVersion(debian) };
};

let python: { program: string; version: string } | undefined | null = null;

/** A Python that has PyTorch. */
function torchPython(): { program: string; version: string } | undefined {
  if (python !== null) return python;
  python = undefined;
  for (const program of ["python3", "/usr/bin/python3"]) {
    try {
      const script = "import torch; print(torch.__version__)";
      const version = execFileSync(program, ["-c", script], { encoding: "utf8", stdio: "pipe" }).trim();
      python = { program, version };
      break;
    } catch {
      // Not this one.
    }
  }
  return python;
}

/** PyTorch ends without a word when it is told to use instructions that the CPU does not have. */
const torch = (env: Readonly<Record<string, string>>, isa?: string) => (): Presence => {
  if (isa && !addon().isas().includes(isa)) return { absent: `this CPU has no ${isa}` };
  const found = torchPython();
  if (!found) return { absent: "no python3 imports torch (Debian: python3-torch)" };
  const { program, version } = found;
  return { command: { program, args: [source("bench/peers/torch_peer.py")], env }, version };
};

/** The host of peers in JavaScript: runs the kinds of work that a module exports. */
export const hosted = (module: string): Command => ({
  program: process.execPath,
  args: ["--expose-gc", source("bench/peers/host.mjs"), module],
});

const npm =
  (name: string, file: string, backend = "") =>
  (): Presence => {
    const manifest = source("bench/node_modules", name, "package.json");
    if (!existsSync(manifest)) return { absent: `${name} is not installed (npm ci --prefix bench --ignore-scripts)` };
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    const command = hosted(source("bench/peers", file));
    return { command: { ...command, env: { BENCH_BACKEND: backend } }, version };
  };

/** Every peer by name. */
export const peers: Readonly<Record<string, () => Presence>> = {
  openblas: native("openblas", "cblas.cc", ["openblas"], "libopenblas-dev"),
  blis: native("blis", "cblas.cc", ["blis"], "libblis-dev"),
  onednn: native("onednn", "onednn.cc", ["dnnl"], "libdnnl-dev"),
  libxsmm: native("libxsmm", "libxsmm.cc", ["xsmmext", "xsmm", "xsmmnoblas", "dl"], "libxsmm-dev"),
  lapack: native("lapack", "lapack.cc", ["openblas"], "libopenblas-dev"),
  onnxruntime: npm("onnxruntime-node", "onnxruntime.mjs"),
  torch: torch({}),
  "torch-avx512": torch({ ATEN_CPU_CAPABILITY: "avx512" }, "avx512"),
  "jax-js": npm("@jax-js/jax", "jax.mjs"),
  "tfjs-cpu": npm("@tensorflow/tfjs", "tfjs.mjs", "cpu"),
  "tfjs-wasm": npm("@tensorflow/tfjs-backend-wasm", "tfjs.mjs", "wasm"),
  brain: npm("brain.js", "brain.mjs"),
  "js-pytorch": npm("js-pytorch", "js-pytorch.mjs"),
};

/** Whoever measures the machine's limits. */
export const machine = (): Presence => {
  const built = driver("machine", { source: "machine.cc", libraries: [] });
  return "absent" in built ? built : { command: { program: built.program, args: [] }, version: "" };
};
