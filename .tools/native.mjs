// Builds the native code with CMake and runs its tests: `native.mjs KIND [--build] [--ulp] [filters…]`,
// where KIND is release, debug, asan, tsan or neon, which Debian's cross compiler builds for AArch64
// and qemu runs. With --ulp it measures the errors of functions instead. Under asan the TypeScript
// tests of the addon (or those that the filters choose) run as well.
import { realpathSync } from "node:fs";
import { availableParallelism } from "node:os";
import { at, bin, Failure, main, node, onPath, run } from "./lib.mjs";

const kinds = {
  release: { type: "Release", sanitize: "" },
  debug: { type: "Debug", sanitize: "" },
  asan: { type: "RelWithDebInfo", sanitize: "address" },
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
};

const inherit = { stdio: "inherit" };

async function build(kind, out) {
  const { type, sanitize, cross = {} } = kinds[kind];
  const { code, output } = await node(bin("cmake-js"), [
    "build",
    ...["--log-level", "error", "--config", type, "--out", out],
    ...["--parallel", String(availableParallelism()), `--CDEVENGRAD_SANITIZE=${sanitize}`],
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

async function vitestUnderAsan(out, filters) {
  const { output } = await run(process.env.CXX || "c++", ["-print-file-name=libasan.so"]);
  const env = {
    ...process.env,
    LD_PRELOAD: realpathSync(output.trim()),
    ASAN_OPTIONS: "detect_leaks=0",
    EVENGRAD_ADDON: at(out, "evengrad.node"),
  };
  const args = ["run", "--config", "test/vitest.config.ts", ...filters];
  if ((await node(bin("vitest"), args, { ...inherit, env })).code) {
    throw new Failure("native: the addon's tests failed under the address sanitizer");
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
  if (kind === "asan" && process.platform === "linux") {
    await vitestUnderAsan(out, rest.length ? rest : ["addon", "native", "kernel"]);
  }
});
