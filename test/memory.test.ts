/** Memory over many steps: flat, though user code disposes of nothing. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";

const library = pathToFileURL(join(import.meta.dirname, "../dist/esm/index.js")).href;

/** Runs a script in a process of its own, with the library's names and MB in scope; returns what it prints as JSON. */
function child(script: string, flags: readonly string[] = ["--expose-gc", "--max-semi-space-size=2"]): unknown {
  const code = `import { tensor, randn, seed, nn, optim, data, fit } from ${JSON.stringify(library)};
    const rss = async () => {
      for (let i = 0; i < 4; i++) { gc(); await new Promise((r) => setTimeout(r, 5)); }
      return process.memoryUsage().rss / 2 ** 20;
    };
    const set = data.fromArrays({ x: Float32Array.from({ length: 400 }, (_, i) => Math.sin(i)), xShape: [100, 4],
      y: Int32Array.from({ length: 100 }, (_, i) => i % 3) });
    ${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, "--input-type=module", "-e", code], {
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`status ${status}\n${stdout}${stderr}`);
  return JSON.parse(stdout);
}

/** Growth in MB that ten thousand steps stay below; a leak of 4 KB a step would be 40. */
const flat = 32;

describe("resident memory stays flat", { timeout: 180_000 }, () => {
  test("over ten thousand steps of a loop of one's own", () => {
    const growth = child(`
      const model = new nn.Linear(4, 3);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.001 });
      const [{ x, y }] = set.batches({ size: 100 });
      const steps = async (n) => { for (let i = 0; i < n; i++) await optimizer.step(nn.crossEntropy(model.forward(x), y)) };
      await steps(500);
      const before = await rss();
      await steps(10_000);
      console.log(JSON.stringify((await rss()) - before));`);
    expect(growth).toBeLessThan(flat);
  });

  test("over ten thousand steps of fit, and a hundred fits", () => {
    const growth = child(`
      const model = new nn.Sequential(new nn.Linear(4, 16), new nn.BatchNorm(16), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(16, 3));
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.001 });
      const run = (epochs) => fit(model, set, { loss: nn.crossEntropy, optimizer, batchSize: 10, epochs, metrics: [nn.accuracy], validation: set });
      await run(200);
      for (let i = 0; i < 20; i++) await run(1);
      const before = await rss();
      const { losses } = await run(1000);
      for (let i = 0; i < 100; i++) await run(1);
      console.log(JSON.stringify([losses.length, (await rss()) - before]));`) as number[];
    expect(growth[0]).toBe(10_000);
    expect(growth[1]).toBeLessThan(flat);
  });

  test("over ten thousand steps cut short by a signal", () => {
    const growth = child(`
      const model = new nn.Linear(4, 3);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.001 });
      const steps = async (n) => { for (let i = 0; i < n; i++) {
        const controller = new AbortController();
        const run = fit(model, set, { loss: nn.crossEntropy, optimizer, signal: controller.signal });
        queueMicrotask(() => controller.abort());
        await run.catch(() => {});
      } };
      await steps(300);
      const before = await rss();
      await steps(2000);
      console.log(JSON.stringify((await rss()) - before));`);
    expect(growth).toBeLessThan(flat);
  });
});

describe("what is dropped is collected, without a call of gc", () => {
  test("large temporary tensors", () => {
    // 200 times 8 MB are 1.6 GB.
    const peak = child(
      `
      for (let i = 0; i < 200; i++) await randn([1000, 2000]).mul(2).data();
      console.log(JSON.stringify(process.resourceUsage().maxRSS / 1024));`,
      [],
    );
    expect(peak).toBeLessThan(700);
  });

  test("models whose programs are kept for others like them", () => {
    // Each has 12 MB of weights and moments, and a program of its own: 480 MB in all.
    const kept = child(`
      for (let i = 0; i < 40; i++) {
        const model = new nn.Sequential(new nn.Linear(4, 1000 + i), new nn.Linear(1000 + i, 1000));
        const optimizer = new optim.Adam(model.parameters(), { lr: 0.001 });
        await optimizer.step(model.forward(set.x.slice([0, 4])).square().mean());
      }
      await rss();
      console.log(JSON.stringify(process.memoryUsage().arrayBuffers / 2 ** 20));`);
    expect(kept).toBeLessThan(50);
  });

  test("models with their optimizers and programs", () => {
    // Each has 12 MB of weights and moments, some have a program of their own: 1.2 GB in all.
    const peak = child(
      `
      for (let i = 0; i < 100; i++) {
        const model = new nn.Sequential(new nn.Linear(4, 1000 + (i % 7)), new nn.Linear(1000 + (i % 7), 1000));
        const optimizer = new optim.Adam(model.parameters(), { lr: 0.001 });
        await optimizer.step(model.forward(set.x.slice([0, 4])).square().mean());
      }
      console.log(JSON.stringify(process.resourceUsage().maxRSS / 1024));`,
      [],
    );
    expect(peak).toBeLessThan(700);
  });
});
