/** Training in worker threads, and every way in which a process or a worker ends meanwhile. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";

const library = pathToFileURL(join(import.meta.dirname, "../dist/esm/index.js")).href;

/** Trains a network of every kind of layer for so many epochs and gives its losses and weights; `start` begins a run without end. */
const prelude = `
  import { parentPort, workerData, Worker } from "node:worker_threads";
  const { seed, nn, optim, data, fit } = await import(${JSON.stringify(library)});
  const x = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * i));
  const set = data.fromArrays({ x, xShape: [500, 8], y: Int32Array.from({ length: 500 }, (_, i) => i % 3) });
  function start(epochs, from = 1, width = 64) {
    seed(from);
    const model = new nn.Sequential(new nn.Linear(8, width), new nn.BatchNorm(width), new nn.ReLU(), new nn.Dropout(0.2), new nn.Linear(width, 3));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
    return { model, run: fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 32, epochs, clipGradNorm: 1 }) };
  }
  async function train(epochs, from) {
    const { model, run } = start(epochs, from);
    const { losses } = await run;
    const weights = Object.values(await model.state()).flatMap(({ values }) => [...values]);
    return { losses, weights };
  }
`;

const source = (script: string): URL => new URL(`data:text/javascript,${encodeURIComponent(`${prelude}\n${script}`)}`);
const worker = (script: string): Worker => new Worker(source(script));
const message = (w: Worker) => new Promise<unknown>((done, fail) => w.once("message", done).once("error", fail));
const ended = (w: Worker) => new Promise<number>((done, fail) => w.once("exit", done).once("error", fail));

/** Runs a script in a process of its own. */
function child(script: string) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", prelude + script],
    {
      encoding: "utf8",
      timeout: 60_000,
    },
  );
  return { status, signal, stdout: stdout.trim(), stderr };
}

describe("workers", () => {
  test("four train at once as the main thread does, bit for bit", async () => {
    const script = "parentPort.postMessage(await train(6, 1))";
    const workers = Array.from({ length: 4 }, () => worker(script));
    const ends = Promise.all(workers.map(ended));
    const results = await Promise.all(workers.map(message));
    const here = child("console.log(JSON.stringify(await train(6, 1)))");
    const expected = JSON.parse(here.stdout) as { losses: number[] };
    expect(expected.losses).toHaveLength(6 * 16);
    for (const result of results) expect(result).toEqual(expected);
    expect(await ends).toEqual([0, 0, 0, 0]);
  });

  test("each has its own random stream and executor", async () => {
    const one = worker(`const { threads, useExecutor } = await import(${JSON.stringify(library)});
      useExecutor("reference"); parentPort.postMessage(await train(1, 1))`);
    const two = worker("parentPort.postMessage(await train(1, 1))");
    const three = worker("parentPort.postMessage(await train(1, 2))");
    const [a, b, c] = (await Promise.all([one, two, three].map(message))) as Record<"losses" | "weights", number[]>[];
    expect(a.weights).not.toEqual(b.weights); // the last bits differ
    for (const [i, loss] of a.losses.entries()) expect(loss).toBeCloseTo(b.losses[i], 2);
    expect(c.losses).not.toEqual(b.losses);
  });

  test("may be terminated in the middle of fit", async () => {
    for (const delay of [0, 5, 20, 60]) {
      const w = worker("start(1e6); parentPort.postMessage('started')");
      await message(w);
      await new Promise((done) => setTimeout(done, delay));
      expect(await w.terminate()).toBe(1);
    }
  });

  test("may exit by themselves in the middle of fit", async () => {
    expect(await ended(worker("start(1e6); setTimeout(() => process.exit(4), 20)"))).toBe(4);
    expect(await ended(worker("start(1e6, 1, 512); process.exit(5)"))).toBe(5);
  });
});

describe("a process", () => {
  const clean = { signal: null, stderr: "" };

  test("ends by itself after training, with nothing left open", () => {
    // An immediate may be about to run; it holds nothing open.
    const script = `await train(2);
      console.log(process.getActiveResourcesInfo().filter((name) => !/Wrap$|Pipe|TTY|Immediate/.test(name)).length)`;
    expect(child(script)).toEqual({ ...clean, status: 0, stdout: "0" });
  });

  test("may exit in the middle of fit", () => {
    for (const delay of [0, 5, 30]) {
      expect(child(`start(1e6); setTimeout(() => process.exit(7), ${delay})`)).toMatchObject({ ...clean, status: 7 });
    }
    expect(child("start(1e6, 1, 1024); process.exit(8)")).toMatchObject({ ...clean, status: 8 });
    expect(child("start(1e6).run.catch(() => {}); setImmediate(() => { throw new Error('mine') })")).toMatchObject({
      status: 1,
      signal: null,
      stderr: expect.stringContaining("Error: mine"),
    });
  });

  test("waits for a fit that nobody awaits", () => {
    expect(child("start(20).run.then(({ stopped }) => console.log(stopped))")).toEqual({
      ...clean,
      status: 0,
      stdout: "completed",
    });
  });

  test("may exit while workers train, and lose workers while it trains", () => {
    const url = JSON.stringify(source("start(1e6); parentPort.postMessage(1)").href);
    const exits = child(`const workers = Array.from({ length: 3 }, () => new Worker(new URL(${url})));
      await Promise.all(workers.map((w) => new Promise((done) => w.once("message", done))));
      start(1e6); setTimeout(() => process.exit(9), 20);`);
    expect(exits).toMatchObject({ ...clean, status: 9 });
    const loses = child(`const alone = JSON.stringify(await train(10));
      const workers = Array.from({ length: 3 }, () => new Worker(new URL(${url})));
      await Promise.all(workers.map((w) => new Promise((done) => w.once("message", done))));
      const both = train(10);
      await Promise.all(workers.map((w) => w.terminate()));
      console.log(JSON.stringify(await both) === alone);`);
    expect(loses).toEqual({ ...clean, status: 0, stdout: "true" });
  });
});
