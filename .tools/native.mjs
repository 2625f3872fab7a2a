// Builds the native code with CMake and runs its tests: `native.mjs KIND [--build] [--ulp] [filters…]`,
// where KIND is release, debug, asan, tsan, neon, which Debian's cross compiler builds for AArch64
// and qemu runs, or avx512, whose intrinsics SIMDe emulates where the CPU has none. With --ulp it
// measures the errors of functions instead. Under asan and avx512 the TypeScript tests of the addon
// (or those that the filters choose) run as well.
import { realpathSync } from "node:fs";
import { availableParallelism } from "node:os";
import { at, bin, Failure, main, node, onPath, run } from "./lib.mjs";

const kinds = {
  release: { type: "Release", sanitize: "" },
  debug: { type: "Debug", sanitize: "" },
  asan: { type: "RelWithDebInfo", sanitize: "address", suite: ["addon", "native", "kernel"] },
  tsan: { type: "RelWithDebInfo", sanitize: "thread" },
  neon: {
    type: "Release",
    sanitize: "",
    needs: ["aarch64-linux-gnu-g++", "qemu-aarch64"],
    cross: {
      CMAKE_SYSTEM_NAME: "Linux",
      CMAKE_SYSTEM_PROCESSOR: "aarch64",
      CMAKE_CXX_COMPILER: "aarch64-linux-gnu-g++",
      CMAKE_CROSSCOMPILING_EMULATOR: "qemu-aarch64;-L;/usr/aarch64-linux-gnu",
    },
  },
  avx512: {
    type: "Release",
    sanitize: "",
    suite: ["ops", "grad.", "nn.fixtures", "optim", "init.isa"],
  },
};

const inherit = { stdio: "inherit" };

/** Whether AVX-512 has to be emulated, which takes AVX2 and SIMDe. */
async function emulates() {
  const preprocess = (...args) => run(process.env.CXX || "c++", ["-E", "-x", "c++", ...args, "/dev/null"]);
  const { output } = await preprocess("-march=native", "-dM");
  const has = (...names) => names.every((name) => output.includes(` __${name}__ `));
  if (has("AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL")) return false;
  if (!has("AVX2", "FMA")) throw new Failure("native: avx512 needs a CPU with AVX-512, or with AVX2 to emulate it.");
  if ((await preprocess("-include", "simde/x86/avx512.h")).code) {
    throw new Failure("native: SIMDe is needed, as this CPU has no AVX-512. Install it (Debian: libsimde-dev).");
  }
  return true;
}

async function build(kind, out) {
  const { type, sanitize, cross = {} } = kinds[kind];
  const { code, output } = await node(bin("cmake-js"), [
    "build",
    ...["--log-level", "error", "--config", type, "--out", out],
    ...["--parallel", String(availableParallelism()), `--CDEVENGRAD_SANITIZE=${sanitize}`],
    `--CDEVENGRAD_EMULATE=${kind === "avx512" && (await emulates()) ? "avx512" : ""}`,
    ...Object.entries(cross).map(([name, value]) => `--CD${name}=${value}`),
  ]);
  if (code) throw new Failure(`${output}native: the ${kind} build failed`);
}

/** ctest, without address-space randomisation for tsan, which gcc's runtime does not support. */
async function ctest(kind, out) {
  const command = ["ctest", "--test-dir", out, "--output-on-failure", "--no-tests=error", "--parallel", "2"];
  const plain = kind === "tsan" && onPath("setarch");
  const [program, ...args] = plain ? ["setarch", "-R", ...command] : command;
  if ((await run(program, args, inherit)).code) throw new Failure(`native: ${kind} tests failed`);
}

async function vitest(kind, out, filters) {
  const env = { ...process.env, EVENGRAD_ADDON: at(out, "evengrad.node") };
  if (kind === "asan") {
    const { output } = await run(process.env.CXX || "c++", ["-print-file-name=libasan.so"]);
    Object.assign(env, { LD_PRELOAD: realpathSync(output.trim()), ASAN_OPTIONS: "detect_leaks=0" });
  } else {
    env.EVENGRAD_ISA = kind;
  }
  const args = ["run", "--config", "test/vitest.config.ts", ...filters];
  if ((await node(bin("vitest"), args, { ...inherit, env })).code) {
    throw new Failure(`native: the addon's tests failed under ${kind}`);
  }
}

await main(async () => {
  const [kind, ...rest] = process.argv.slice(2);
  if (!(kind in kinds)) throw new Failure(`native: the kind must be one of ${Object.keys(kinds)}`);
  const missing = ["cmake", ...(kinds[kind].needs ?? [])].find((program) => !onPath(program));
  if (missing) {
    throw new Failure(
      `native: ${missing} is needed. Install it (Debian: cmake; for neon, g++-aarch64-linux-gnu and qemu-user).`,
    );
  }
  const out = `build/cmake/${kind}`;
  await build(kind, out);
  if (rest.includes("--build")) return;
  if (rest.includes("--ulp")) {
    const { code } = await run(
      at(out, "ulp"),
      rest.filter((x) => x !== "--ulp"),
      inherit,
    );
    if (code) throw new Failure("native: an error is larger than allowed");
    return;
  }
  await ctest(kind, out);
  const { suite } = kinds[kind];
  if (suite && process.platform === "linux") await vitest(kind, out, rest.length ? rest : suite);
});
