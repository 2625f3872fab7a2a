/** The native addon through its own surface: programs written by hand, bad input, and every way to end. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const helper = join(import.meta.dirname, "addon.programs.cjs");
const { addon, add, gather, counter, encode, long, path, READ } = createRequire(import.meta.url)(helper);

const three = () => [Float32Array.of(1, 2, 3), Float32Array.of(10, 20, 30), new Float32Array(3)];

/** Runs a script in a process of its own; the helper's exports are in scope. */
function child(script: string, { env = {}, flags = [] as string[] } = {}) {
  const code = `const { addon, add, counter, long } = require(${JSON.stringify(helper)});\n${script}`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, "-e", code], {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { status, signal, stdout: stdout.trim(), stderr };
}

function worker(script: string): Worker {
  const code = `const { parentPort } = require("node:worker_threads");
    const { addon, add, long } = require(${JSON.stringify(helper)});\n${script}`;
  return new Worker(code, { eval: true });
}

const ended = (w: Worker) => new Promise<number>((done, fail) => w.once("exit", done).once("error", fail));
const message = (w: Worker) => new Promise<unknown>((done, fail) => w.once("message", done).once("error", fail));
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

describe("settings", () => {
  it("lists kernels, operations and instruction sets", () => {
    expect(addon.kernels()).toContain("matmul");
    expect(addon.mapOps()).toContainEqual({ name: "where", signature: "FFF>F" });
    expect(addon.reduceOps()).toContain("variance");
    expect(addon.isas()).toContain(addon.isa());
  });

  it("sets the number of threads for the next run", () => {
    const before = addon.threads();
    expect(addon.threads(3)).toBe(3);
    expect(addon.threads()).toBe(3);
    for (const bad of [0, 257, 1.5, -1, Number.NaN, Infinity, "2", null, {}, Symbol("s")]) {
      expect(() => addon.threads(bad)).toThrow(/threads: must be an integer from 1 to 256, got/);
    }
    addon.threads(before);
  });

  it("reads EVENGRAD_THREADS and EVENGRAD_ISA when it loads", () => {
    expect(child("console.log(addon.threads())", { env: { EVENGRAD_THREADS: "5" } }).stdout).toBe("5");
    const threads = child("", { env: { EVENGRAD_THREADS: "many" } });
    expect(threads.stderr).toContain("EVENGRAD_THREADS: must be an integer from 1 to 256, got many");
    expect(threads.status).toBe(1);
    for (const isa of addon.isas()) {
      expect(child("console.log(addon.isa())", { env: { EVENGRAD_ISA: isa } }).stdout).toBe(isa);
    }
    const isa = child("", { env: { EVENGRAD_ISA: "mmx" } });
    expect(isa.stderr).toContain("EVENGRAD_ISA");
    for (const name of addon.isas()) expect(isa.stderr).toContain(name);
    expect(isa.status).toBe(1);
  });

  it("makes zero-filled arrays", () => {
    for (const [dtype, type] of [Float32Array, Int32Array, Uint8Array, Uint8Array].entries()) {
      for (const count of [0, 1, 17, 100_000]) {
        const array = addon.alignedArray(dtype, count);
        expect(array).toBeInstanceOf(type);
        expect(array.length).toBe(count);
        expect(array.every((x: number) => x === 0)).toBe(true);
      }
    }
  });

  it("makes large arrays that begin at different places of a page", () => {
    const made = Array.from({ length: 8 }, () => addon.alignedArray(0, 100_000));
    expect(new Set(made.map((array) => array.byteOffset % 4096)).size).toBe(8);
    for (const { byteOffset, buffer, byteLength } of made)
      expect(buffer.byteLength - byteOffset).toBeGreaterThanOrEqual(byteLength);
  });

  it("answers an array that is too large with a RangeError", () => {
    for (const count of [2 ** 40, 2 ** 53]) {
      expect(() => addon.alignedArray(0, count)).toThrow(/^out of memory: this tensor needs \d+\.\d GB and this mach/);
      expect(() => addon.alignedArray(0, count)).toThrow(RangeError);
    }
    for (const bad of [[4, 1], [0, -1], [0, 1.5], [0, Number.NaN], [], ["a", 1]]) {
      expect(() => addon.alignedArray(...bad)).toThrow(/internal: alignedArray: /);
    }
    const { status, stdout } =
      child(`try { addon.alignedArray(2, require("os").totalmem() - 2 ** 20); console.log("ok") }
      catch (error) { console.log(error.constructor.name) }`);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^(ok|RangeError)$/);
  });
});

describe("programs", () => {
  it("computes", async () => {
    const arrays = three();
    const binding = addon.createProgram(add(3)).bind(arrays);
    expect(await binding.run(1).promise).toBe(1);
    expect([...arrays[2]]).toEqual([11, 22, 33]);
    arrays[0].fill(5);
    expect(binding.runSync(1)).toBe(1);
    expect([...arrays[2]]).toEqual([15, 25, 35]);
    expect(await binding.run(0).promise).toBe(0);
  });

  it("moves slots with a stride on by one row per step", async () => {
    const a = Float32Array.from({ length: 12 }, (_, i) => i);
    const b = Float32Array.of(100, 200, 300);
    const out = new Float32Array(12);
    const binding = addon.createProgram(add(3)).bind([a, b, out], Float64Array.of(3, 0, 3));
    expect(await binding.run(4).promise).toBe(4);
    expect([...out]).toEqual([100, 201, 302, 103, 204, 305, 106, 207, 308, 109, 210, 311]);
    expect(() => binding.run(5)).toThrow("internal: run: slot 0 must hold 3 elements + 3 per further step");
    expect(() => binding.run(2 ** 53)).toThrow("internal: run: slot 0");
  });

  it("counts the time of each instruction of a program that was made to", async () => {
    const program = addon.createProgram({ ...add(3), profile: true });
    expect([...program.profile()]).toEqual([0]);
    await program.bind(three()).run(1000).promise;
    expect(program.profile()[0]).toBeGreaterThan(0);
    expect(() => addon.createProgram(add(3)).profile()).toThrow("internal: profile: the program must be made with");
  });

  it("runs in the order of the calls, whichever binding", async () => {
    const program = addon.createProgram(add(1));
    const cell = new Float32Array(1);
    const plus = program.bind([cell, Float32Array.of(1), cell]);
    const twice = program.bind([cell, cell, cell]);
    const order: number[] = [];
    const runs = [plus, twice, plus, twice, twice].map((b, i) => b.run(1).promise.then(() => order.push(i)));
    expect(() => plus.runSync(1)).toThrow("internal: runSync: other runs must have settled first");
    await Promise.all(runs);
    expect(cell[0]).toBe(12);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it("writes variables in place", async () => {
    const { variables, binding } = long(8);
    expect(await binding.run(1000).promise).toBe(1000);
    expect(variables.map((v: Float32Array) => v[0])).toEqual([1000, 1000]);
  });

  it("accepts shared memory, empty arrays and unaligned views", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(12));
    const view = new Float32Array(new ArrayBuffer(20), 4, 3);
    view.set([1, 2, 3]);
    await addon.createProgram(add(3)).bind([view, view, shared]).run(1).promise;
    expect([...shared]).toEqual([2, 4, 6]);
    const none = new Float32Array(0);
    expect(await addon.createProgram(add(0)).bind([none, none, none]).run(3).promise).toBe(3);
  });

  it("rejects with the instruction, the step and the kernel's message", async () => {
    const indices = Int32Array.of(0, 1, 2, 9);
    const out = new Float32Array(4);
    const binding = addon
      .createProgram(gather(3, 2))
      .bind([Float32Array.of(5, 6, 7), indices, out], Float64Array.of(0, 2, 2));
    const error = await binding.run(2).promise.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ instruction: 0, step: 1, message: expect.stringContaining("9") });
    expect([...out.subarray(0, 2)]).toEqual([5, 6]);
    expect(() => binding.runSync(2)).toThrow(error.message);
  });

  it("shares one arena, as large as the largest live program needs", () => {
    const script = `(async () => {
      const small = long(16);
      await small.binding.run(1).promise;
      const before = addon.arenaBytes();
      await (async () => { await long(1024).binding.run(1).promise })();
      const during = addon.arenaBytes();
      for (let i = 0; i < 10; i++) { gc(); await new Promise((r) => setImmediate(r)); }
      await small.binding.run(1).promise;
      console.log([before, during, addon.arenaBytes()].join());
    })()`;
    expect(child(script, { flags: ["--expose-gc"] }).stdout).toBe([1024, 4 << 20, 1024].join());
  });
});

describe("abort", () => {
  it("leaves whole steps behind", async () => {
    for (const delay of [0, 1, 5, 20]) {
      const { variables, binding } = long(64);
      const run = binding.run(2 ** 40);
      if (delay) await sleep(delay);
      run.abort();
      run.abort();
      const steps = await run.promise;
      expect(variables.map((v: Float32Array) => v[0])).toEqual([steps, steps]);
      run.abort();
    }
  });

  it("reaches a run that waits in the queue", async () => {
    const first = long();
    const second = long();
    const runs = [first.binding.run(2 ** 40), second.binding.run(5), first.binding.run(2)];
    runs[1].abort();
    await sleep(5);
    runs[0].abort();
    expect(await runs[1].promise).toBe(0);
    expect(await runs[2].promise).toBe(2);
  });
});

describe("bad input", () => {
  it("is refused by createProgram", () => {
    const good = add(3);
    for (const bad of [undefined, null, 1, {}, { ...good, slots: [1] }, { ...good, code: undefined }]) {
      expect(() => addon.createProgram(bad)).toThrow(/^internal: program: /);
    }
    expect(() => addon.createProgram({ ...good, code: new Float32Array(3) })).toThrow("code must be a Float64Array");
    expect(() => addon.createProgram({ ...good, arenaBytes: "1" })).toThrow("arenaBytes must be a number");
    expect(() => addon.createProgram({ ...good, arenaBytes: 812.3e12 })).toThrow(
      /^out of memory: this graph needs 812300.0 GB for intermediates and this machine has \d+\.\d GB$/,
    );
    const slots = [
      [0, 3, READ],
      [0, 3, READ],
    ];
    const buffers = [
      [1, 0, 0, 3],
      [1, 1, 0, 3],
    ];
    const calls = [["map", [0, 0], [1], add(3).code.slice(7)]];
    expect(() => addon.createProgram(encode({ slots, buffers, calls }))).toThrow(
      "internal: program: instruction 0 (map): out 0 is slot 1, which is read only",
    );
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("mine");
        },
      },
    );
    expect(() => addon.createProgram(hostile)).toThrow("mine");
  });

  it("never crashes createProgram, however random", () => {
    const number = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 16 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(64, 128, 2 ** 31, 2 ** 40, 2 ** 53, 2 ** 63, 1e300, -1, 0.5, Number.NaN),
      },
      { weight: 1, arbitrary: fc.double() },
    );
    const numbers = (step: number, max: number) =>
      fc
        .array(fc.array(number, { minLength: step, maxLength: step }), { maxLength: max })
        .map((rows) => Float64Array.from(rows.flat()));
    const parts = fc.record({ slots: numbers(3, 4), buffers: numbers(4, 6), code: numbers(1, 40), arenaBytes: number });
    fc.assert(
      fc.property(parts, (p) => {
        try {
          addon.createProgram(p);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(internal: program|out of memory): /);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("never crashes on a good program with a few numbers changed", async () => {
    const goods = [add(3), gather(3, 2), counter(4)];
    const value = fc.oneof(
      fc.integer({ min: -1, max: 20 }),
      fc.constantFrom(2 ** 31, 2 ** 40, 2 ** 53, 1e300, -1e9, 0.5, Number.NaN, Infinity),
    );
    const change = fc.record({ part: fc.constantFrom("slots", "buffers", "code"), at: fc.nat(60), value });
    const property = fc.asyncProperty(
      fc.nat(2),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (which, changes) => {
        const p = goods[which];
        const spoilt = { ...p, slots: p.slots.slice(), buffers: p.buffers.slice(), code: p.code.slice() };
        for (const { part, at, value } of changes) spoilt[part][at % spoilt[part].length] = value;
        let program: ReturnType<typeof addon.createProgram>;
        try {
          program = addon.createProgram(spoilt);
        } catch (error) {
          expect((error as Error).message).toMatch(/^(internal: program|out of memory): /);
          return;
        }
        const arrays: unknown[] = [];
        for (let i = 0; i < spoilt.slots.length; i += 3) {
          if (spoilt.slots[i + 1] > 1e6) return;
          arrays.push(new [Float32Array, Int32Array, Uint8Array, Uint8Array][spoilt.slots[i]](spoilt.slots[i + 1]));
        }
        await program
          .bind(arrays)
          .run(2)
          .promise.catch((error: Error) => expect(error).toHaveProperty("instruction"));
      },
    );
    await fc.assert(property, { numRuns: 3000 });
  });

  it("is refused by bind", () => {
    const program = addon.createProgram(add(3));
    const [a, b, c] = three();
    const cases: [unknown[], RegExp][] = [
      [[], /internal: bind: must get an array of 3, got another value/],
      [[[a, b]], /internal: bind: must get an array of 3, got one of 2/],
      [[[a, b, new Float32Array(4)]], /bind: slot 2: must be a Float32Array of 3 elements, got one of 4/],
      [[[a, b, new Int32Array(3)]], /bind: slot 2: must be a Float32Array of 3 elements, got another typed array of 3/],
      [[[a, b, [1, 2, 3]]], /bind: slot 2: must be a Float32Array of 3 elements, got another value/],
      [[[a, b, undefined]], /bind: slot 2: /],
      [
        [
          [a, b, c],
          [0, 0, 0],
        ],
        /bind: strides must be a Float64Array, one per slot/,
      ],
      [[[a, b, c], new Float64Array(2)], /bind: strides must be/],
      [[[a, b, c], Float64Array.of(0, -1, 0)], /bind: slot 1: a stride must be an integer/],
      [[[a, b, c], Float64Array.of(0, Number.NaN, 0)], /bind: slot 1: a stride must be/],
      [
        [[a, b, new Float32Array(2)], Float64Array.of(0, 0, 3)],
        /bind: slot 2: must be a Float32Array of 3 or more elements/,
      ],
    ];
    for (const [args, error] of cases) expect(() => program.bind(...args)).toThrow(error);
    // biome-ignore lint: ES2024
    const resizable = new (ArrayBuffer as any)(12, { maxByteLength: 24 });
    expect(() => program.bind([a, b, new Float32Array(resizable)])).toThrow("buffers must not be resizable");
    const one = new Float32Array(1);
    expect(() => addon.createProgram(counter(1)).bind([one, one, one, one], Float64Array.of(0, 1, 0, 0))).toThrow(
      "internal: bind: slot 1: a variable must stay in its place",
    );
  });

  it("is refused by run", () => {
    const binding = addon.createProgram(add(3)).bind(three());
    for (const steps of [-1, 0.5, Number.NaN, Infinity, 2 ** 60, "1", undefined]) {
      expect(() => binding.run(steps)).toThrow("internal: run: steps must be an integer");
      expect(() => binding.runSync(steps)).toThrow("internal: run: steps must be an integer");
    }
  });

  it("includes buffers that were transferred after bind", () => {
    const arrays = three();
    const binding = addon.createProgram(add(3)).bind(arrays);
    new MessageChannel().port1.postMessage(null, [arrays[1].buffer as ArrayBuffer]);
    expect(() => binding.run(1)).toThrow("internal: run: the buffer of slot 1 must not be detached");
    expect(() => binding.runSync(1)).toThrow("must not be detached");
    expect(() => addon.createProgram(add(3)).bind(arrays)).toThrow("slot 1: must be a Float32Array of 3 elements");
  });

  it("includes methods of one class called on another, and objects made by hand", () => {
    const program = addon.createProgram(add(3));
    const binding = program.bind(three());
    const run = binding.run(1);
    const all = [program, binding, run, {}, null, 1, new Float32Array(3)];
    for (const [object, name] of [
      [program, "bind"],
      [binding, "run"],
      [binding, "runSync"],
      [run, "abort"],
    ] as const) {
      for (const other of all) {
        if (other !== object) expect(() => object[name].call(other, 1)).toThrow();
      }
      expect(() => new object.constructor()[name](1)).toThrow("internal: addon: not an object that the addon made");
    }
    return run.promise;
  });
});

describe("the end", () => {
  // The address sanitizer keeps freed memory back.
  it.skipIf(process.env.LD_PRELOAD?.includes("asan"))("keeps memory flat over many programs", () => {
    const script = `(async () => {
      const program = add(256);
      const many = async (n) => {
        for (let i = 0; i < n; i++) {
          const arrays = [new Float32Array(256), new Float32Array(256), addon.alignedArray(0, 256)];
          await addon.createProgram(program).bind(arrays).run(1).promise;
        }
        for (let i = 0; i < 4; i++) { gc(); await new Promise((r) => setImmediate(r)); }
        return process.memoryUsage().rss / 2 ** 20;
      };
      const before = await many(10_000);
      console.log((await many(20_000)) - before);
    })()`;
    // With the usual semi-space the process grows to a plateau, by V8's choice alone.
    const { stdout, status } = child(script, { flags: ["--expose-gc", "--max-semi-space-size=1"] });
    expect(status).toBe(0);
    expect(Number(stdout)).toBeLessThan(12); // V8 wavers by 7; 1 KiB leaked by each would add 20
  });

  it("keeps what a pending run needs while JavaScript lets go of it", () => {
    const script = `(async () => {
      const promises = [];
      for (let i = 0; i < 50; i++) promises.push(long(64).binding.run(20).promise);
      for (let i = 0; i < 10; i++) { gc(); await new Promise((r) => setImmediate(r)); }
      console.log((await Promise.all(promises)).every((n) => n === 20));
    })()`;
    expect(child(script, { flags: ["--expose-gc"] })).toMatchObject({ stdout: "true", status: 0 });
  });

  it("keeps what a binding reads while JavaScript lets go of it, shared or not", () => {
    const script = `(async () => {
      const out = new Float32Array(256);
      const bind = () => {
        const shared = new Float32Array(new SharedArrayBuffer(1024)).fill(1);
        return addon.createProgram(add(256)).bind([new Float32Array(256).fill(2), shared, out]);
      };
      const binding = bind();
      for (let i = 0; i < 10; i++) {
        gc();
        for (let k = 0; k < 100; k++) new Float32Array(256).fill(5); // takes the place of what was let go
        await new Promise((r) => setImmediate(r));
      }
      console.log(await binding.run(1).promise, out.every((x) => x === 3));
    })()`;
    expect(child(script, { flags: ["--expose-gc"] })).toMatchObject({ stdout: "1 true", status: 0 });
  });

  it("comes by itself once no run is pending", () => {
    expect(child("long(8).binding.run(1).promise.then(console.log)")).toMatchObject({
      stdout: "1",
      status: 0,
      signal: null,
    });
    expect(child("addon.createProgram(add(3))")).toMatchObject({ status: 0, signal: null });
  });

  it("may be process.exit in the middle of a run", () => {
    for (const delay of [0, 1, 10]) {
      const script = `const { binding } = long(64); for (let i = 0; i < 9; i++) binding.run(2 ** 40);
        setTimeout(() => process.exit(7), ${delay});`;
      expect(child(script)).toMatchObject({ status: 7, signal: null });
    }
    expect(child("long().binding.run(2 ** 40); process.exit(3)")).toMatchObject({ status: 3, signal: null });
    expect(child("long().binding.run(2 ** 40); throw new Error('x')")).toMatchObject({ status: 1, signal: null });
  });

  it("may come to a worker in the middle of a run", async () => {
    for (let i = 0; i < 8; i++) {
      const w = worker("const l = long(64); l.binding.run(2 ** 40); l.binding.run(1); parentPort.postMessage(1)");
      await message(w);
      await sleep(i * 3);
      expect(await w.terminate()).toBe(1);
    }
    const exits = worker("long(64).binding.run(2 ** 40); setTimeout(() => process.exit(4), 5)");
    expect(await ended(exits)).toBe(4);
  });

  it("may come to the only environment that loaded the addon, again and again", () => {
    // The main thread never loads it, so Node closes it with each worker: the helpers' code must stay.
    const script = `const { Worker } = require("node:worker_threads");
      const code = ${JSON.stringify(`require(${JSON.stringify(helper)}).long(128).binding.run(20)`)};
      (async () => {
        for (let i = 0; i < 6; i++) await new Promise((r, e) => new Worker(code, { eval: true }).once("exit", r).once("error", e));
        const maps = "/proc/self/maps";
        console.log(process.platform !== "linux" || require("fs").readFileSync(maps, "utf8").includes(${JSON.stringify(basename(path))}));
      })()`;
    const { status, signal, stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: "true\n" });
  });

  it("does not come to a process whose main thread exits while workers run", () => {
    const script = `const { Worker } = require("node:worker_threads");
      const code = ${JSON.stringify(`require(${JSON.stringify(helper)}).long(64).binding.run(2 ** 40)`)};
      for (let i = 0; i < 3; i++) new Worker(code, { eval: true });
      setTimeout(() => process.exit(5), 300)`;
    const { status, signal } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect({ status, signal }).toEqual({ status: 5, signal: null });
  });

  it("lets four workers train at once", async () => {
    const script = `const l = long(64);
      l.binding.run(300).promise.then((n) => parentPort.postMessage([n, ...l.variables.map((v) => v[0])]))`;
    const workers = Array.from({ length: 4 }, () => worker(script));
    const ends = Promise.all(workers.map(ended));
    const here = long(64);
    const results = Promise.all(workers.map(message));
    expect(await here.binding.run(300).promise).toBe(300);
    expect(await results).toEqual(workers.map(() => [300, 300, 300]));
    expect(await ends).toEqual([0, 0, 0, 0]);
  });
});
