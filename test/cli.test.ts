/** The command line on a tiny data set, its errors, and the environment variables. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { load } from "../lib/data/safetensors.js";

const dist = join(import.meta.dirname, "../dist/esm");
const library = pathToFileURL(join(dist, "index.js")).href;
const folder = mkdtempSync(join(tmpdir(), "evengrad-cli-"));

function node(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const cli = (...args: string[]) => node([join(dist, "cli.js"), ...args]);

/** An IDX file of bytes. */
function idx(shape: readonly number[], byte: (i: number) => number): Buffer {
  const header = Buffer.from([
    0,
    0,
    8,
    shape.length,
    ...shape.flatMap((n) => [n >> 24, n >> 16, n >> 8, n].map((x) => x & 255)),
  ]);
  return Buffer.concat([header, Buffer.from(Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => byte(i)))]);
}

/** Images of 3 × 3 bytes whose pixel of the label's number is bright. */
function write(name: string, options: { packed?: boolean; classes?: number } = {}): string {
  const { packed = false, classes = 4 } = options;
  const directory = join(folder, name);
  mkdirSync(directory);
  for (const [set, rows] of [
    ["train", 96],
    ["t10k", 40],
  ] as const) {
    const images = idx([rows, 3, 3], (i) => (i % 9 === Math.floor(i / 9) % classes ? 200 : (i * 37) % 60));
    const labels = idx([rows], (i) => i % classes);
    for (const [kind, bytes] of [
      ["images-idx3", images],
      ["labels-idx1", labels],
    ] as const) {
      writeFileSync(join(directory, `${set}-${kind}-ubyte${packed ? ".gz" : ""}`), packed ? gzipSync(bytes) : bytes);
    }
  }
  return directory;
}

let plain = "";
beforeAll(() => {
  plain = write("plain");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("evengrad doctor", () => {
  /** A script that trains as if nobody watched; its head has a softmax too many. */
  const script = (name: string, last: string): string => {
    const file = join(folder, name);
    writeFileSync(
      file,
      `import { data, fit, nn, optim, randn, seed, tensor } from ${JSON.stringify(library)};
seed(1);
const x = await randn([200, 4]).data();
const y = Int32Array.from({ length: 200 }, (_, i) => Number(x[4 * i] + x[4 * i + 1] > 0));
const model = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 2)${last});
const optimizer = new optim.SGD(model.parameters(), { lr: 0.02 });
await fit(model, data.fromArrays({ x, xShape: [200, 4], y }), { loss: nn.crossEntropy, optimizer, epochs: 10, batchSize: 20 });
console.log("trained with", process.argv.slice(2).join(" "));
`,
    );
    return file;
  };

  test("runs a script as it is, prints what is wrong and writes a page", () => {
    const file = script("twice.mjs", ", new nn.Softmax()");
    const { status, stdout, stderr } = cli("doctor", "--report", "doctor.html", file, "--flag", "7");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^trained with --flag 7\n/);
    expect(stdout).toContain(
      `${file}, 100 steps: not healthy\nactivation-before-loss: softmax stands before cross-entropy\n`,
    );
    expect(stdout).toMatch(/\nfault: activation-before-loss \(before the first step\)\n/);
    expect(readFileSync(join(folder, "doctor.html"), "utf8")).toContain("softmax stands before cross-entropy");
  });

  test("--repair auto says what it did; --json is one object", () => {
    const file = script("mend.mjs", ", new nn.Softmax()");
    const { status, stdout, stderr } = cli("doctor", "--json", "--repair", "auto", file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "trained with \n" });
    const [record] = JSON.parse(stdout);
    expect(record.repairs[0]).toMatchObject({ repair: "dropActivation", outcome: "kept" });
  });

  test("a sound script is healthy; one that fails keeps its exit code; one that does not train is told so", () => {
    expect(cli("doctor", script("sound.mjs", "")).stdout).toMatch(/100 steps: healthy\nhealthy\n/);
    const broken = join(folder, "broken.mjs");
    writeFileSync(broken, "process.exit(3)");
    const { status, stderr } = cli("doctor", broken);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `doctor: the script must train with fit, got no run of ${broken}\n`,
    });
    expect(cli("doctor", "--repair", "maybe", broken).stderr).toMatch(/Wanted suggest or auto\./);
  });
});

describe("evengrad train", () => {
  const quick = ["--epochs", "2", "--batch", "16"];

  test("prints a line per epoch, the accuracy, a table of layers and where the weights are", async () => {
    const { status, stdout, stderr } = cli("train", "--data", plain, ...quick, "--out", "net.safetensors");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(`9-512-BatchNorm-ReLU-4 on ${plain}: 96 training and 40 test images`);
    expect(lines[1]).toMatch(/^cross-entropy, SGD 0\.1, clipping at norm 1, batch 16, \d+ threads, \w+$/);
    const epoch =
      /^epoch [12]\/2 {2}loss \d+\.\d{4} {2}accuracy \d+\.\d\d % {2}grad norm \d+\.\d{3} {2}[\d,]+ samples\/s {2}[\d.]+m?\w* left$/;
    for (const i of [2, 3, 5, 6]) expect(lines[i]).toMatch(epoch);
    expect(lines[4]).toBe("and with the classic learning rate 0.01:");
    expect(lines[8]).toMatch(/^layer +output +mean +std +zeros +grad norm/);
    expect(lines.slice(10, 14).map((l) => l.split(/ +/).slice(0, 2).join(" "))).toEqual([
      "0 Linear",
      "1 BatchNorm",
      "2 ReLU",
      "3 Linear",
    ]);
    expect(lines[15]).toMatch(/^test accuracy \d+\.\d\d % in [\d.]+s \(lr 0\.1\)$/);
    expect(lines[16]).toMatch(/^test accuracy \d+\.\d\d % in [\d.]+s \(lr 0\.01\)$/);
    expect(lines[17]).toBe(`weights: ${join(folder, "net.safetensors")}`);
    const page = join(folder, "evengrad-report.html");
    expect(lines[18]).toMatch(/^health: .+; report: /);
    expect(lines[18].endsWith(page)).toBe(true);
    expect(lines).toHaveLength(19);
    expect(readFileSync(page, "utf8")).toContain("9-512-BatchNorm-ReLU-4");
    const { tensors: weights } = await load(join(folder, "net.safetensors"));
    expect(weights["0.weight"].shape).toEqual([512, 9]);
    expect(weights["1.runningMean"].shape).toEqual([512]);
  });

  test("--json closes with one JSON object and keeps the rest off stdout", () => {
    const args = [...quick, "--lr", "0.2", "--classic", "0.02", "--seed", "5", "--threads", "1", "--json"];
    const { status, stdout, stderr } = cli("train", "--data", write("packed", { packed: true }), ...args);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^epoch 2\/2 {2}loss/m);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    const epochs = [1, 2].map((n) => ({
      epoch: n,
      ...{ steps: 6, skipped: 0, loss: expect.any(Number), gradNorm: expect.any(Number) },
      metrics: { accuracy: expect.any(Number) },
      ...{ seconds: expect.any(Number), samplesPerSecond: expect.any(Number) },
    }));
    const run = (lr: number) => ({
      lr,
      ...{ testAccuracy: expect.any(Number), testLoss: expect.any(Number), seconds: expect.any(Number), epochs },
    });
    const layer = {
      ...{ path: expect.any(String), layer: expect.any(String), shape: expect.any(Array), mean: expect.any(Number) },
      ...{ std: expect.any(Number), zeros: expect.any(Number), gradNorm: expect.any(Number) },
    };
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      ...run(0.2),
      classic: run(0.02),
      layers: [layer, layer, layer, layer],
      weights: join(folder, "evengrad.safetensors"),
      report: join(folder, "evengrad-report.html"),
      health: expect.any(String),
      settings: { data: join(folder, "packed"), batch: 16, epochs: 2, seed: 5, threads: 1, isa: expect.any(String) },
    });
    expect(result.testAccuracy).toBeGreaterThan(0.5);
    expect(existsSync(result.weights)).toBe(true);
  });

  test("gives the same result for the same seed, and another for another", () => {
    const [a, b, c] = ["7", "7", "8"].map((seed) => {
      const { stdout } = cli(
        "train",
        "--data",
        plain,
        "--epochs",
        "1",
        "--seed",
        seed,
        "--out",
        `${seed}.safetensors`,
        "--json",
      );
      return { loss: JSON.parse(stdout).testLoss, bytes: readFileSync(join(folder, `${seed}.safetensors`), "latin1") };
    });
    expect(b).toEqual(a);
    expect(c.loss).not.toBe(a.loss);
  });

  test.each([
    [["--data", "nowhere"], /^idx: directory must be readable, got: ENOENT: .*nowhere.*\. Check the path\n$/],
    [
      ["--data", "."],
      /^idx: directory \. must have train-images-idx3-ubyte or train-images-idx3-ubyte\.gz, got neither\n$/,
    ],
    [
      ["--data", "plain", "--batch", "97"],
      /^fit: batchSize must be at most the 96 rows of the data set, got 97\. Use a smaller one\n$/,
    ],
    [["--data", "plain", "--threads", "999"], /^threads: count must be a whole number from 1 to 256, got 999\n$/],
    [["--out", "no/where.safetensors"], /^train: --out must be in a folder that can be written, got .*no \(ENOENT/],
    [["--report", "no/where.html"], /^train: --report must be in a folder that can be written, got .*no \(ENOENT/],
    [["--epochs", "0"], /^error: option '--epochs <n>' argument '0' is invalid\. Wanted a whole number above 0\./],
    [["--lr", "-1"], /^error: option '--lr <rate>' argument '-1' is invalid\. Wanted a number above 0\./],
    [["--lr", "fast"], /Wanted a number above 0\./],
    [["--epoch", "3"], /^error: unknown option '--epoch'\n\(Did you mean --epochs\?\)/],
  ])("%j", (args, message) => {
    const { status, stderr } = cli("train", ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  test("help names every option", () => {
    const { status, stdout } = cli("train", "--help");
    expect(status).toBe(0);
    for (const name of ["data", "epochs", "batch", "lr", "classic", "seed", "threads", "out", "json"])
      expect(stdout).toContain(`--${name}`);
    expect(cli("help").stdout).toContain("train");
    expect(cli("trian")).toMatchObject({ status: 1, stderr: expect.stringContaining("(Did you mean train?)") });
  });
});

describe("the environment", () => {
  /** Runs a script with the library's names in scope. */
  const script = (code: string, env: Record<string, string>) =>
    node(["--input-type=module", "-e", `import * as e from ${JSON.stringify(library)};\n${code}`], env);

  test("without the addon the package loads, says so, and computes on the reference", () => {
    const code = `const message = await e.arange(3).add(1).data().catch((error) => error.message);
      e.useExecutor("reference");
      const set = e.data.fromArrays({ x: [[0, 1], [1, 0]], y: [0, 1] });
      const model = new e.nn.Linear(2, 2);
      const { losses } = await e.fit(model, set, { loss: e.nn.crossEntropy, optimizer: new e.optim.SGD(model.parameters(), { lr: 1 }), batchSize: 2, epochs: 2 });
      console.log(JSON.stringify({ message, sum: await e.arange(3).add(1).sum().item(), falls: losses[1] < losses[0] }));`;
    const { status, stdout } = script(code, { EVENGRAD_ADDON: "nowhere/at-all.node" });
    expect(status).toBe(0);
    const { message, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ sum: 6, falls: true });
    expect(message).toMatch(
      /^native: the addon could not be loaded \(EVENGRAD_ADDON=nowhere\/at-all\.node: Cannot find module .*\)\. Run /,
    );
    expect(message).toMatch(
      /Run `npm rebuild evengrad` .* or compute in plain JavaScript with useExecutor\("reference"\)$/,
    );
  });

  test("without the addon the command line says so", () => {
    const { status, stderr } = node([join(dist, "cli.js"), "train", "--data", plain], {
      EVENGRAD_ADDON: "nowhere.node",
    });
    expect(stderr).toMatch(/^native: the addon could not be loaded/);
    expect(status).toBe(1);
  });

  test("EVENGRAD_THREADS and EVENGRAD_ISA choose, and what is not there is refused", () => {
    const show = "console.log(e.threads(), e.isa())";
    const [, own] = script(show, {}).stdout.trim().split(" ");
    expect(script(show, { EVENGRAD_THREADS: "3", EVENGRAD_ISA: own }).stdout).toBe(`3 ${own}\n`);
    for (const [name, value] of [
      ["EVENGRAD_THREADS", "none"],
      ["EVENGRAD_ISA", "mmx"],
    ]) {
      const { stdout } = script("console.log(await e.arange(3).add(1).data().catch((error) => error.message))", {
        [name]: value,
      });
      expect(stdout).toContain(name);
      expect(stdout).toContain(value);
    }
  });

  test("useExecutor refuses other names", () => {
    const { stdout } = script(`try { e.useExecutor("gpu") } catch (error) { console.log(error.message) }`, {});
    expect(stdout).toBe('useExecutor: name must be "native" or "reference", got "gpu"\n');
  });
});
