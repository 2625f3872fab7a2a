/** What helps to find a fault: where the first non-finite value is made, and the program as text. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { EvengradError } from "../lib/error.js";
import { grad } from "../lib/grad.js";
import * as ops from "../lib/ops/index.js";
import { debugNonFinite, evaluate, useExecutor } from "../lib/run/index.js";
import { type Tensor, Variable } from "../lib/tensor.js";
import { executors, mismatches, sample } from "./helpers.js";

const { tensor } = ops;

afterEach(() => {
  debugNonFinite(false);
  useExecutor("native");
});

/** The line of this file that the caller stands in, as stacks name it. */
const here = (): string => /run\.debug\.test\.ts:\d+/.exec((new Error().stack as string).split("\n")[2])?.[0] as string;

describe.each(executors)("debugNonFinite on %s", (name) => {
  const fault = async (make: () => Tensor): Promise<EvengradError> => {
    useExecutor(name);
    debugNonFinite();
    const error = await make()
      .data()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EvengradError);
    return error as EvengradError;
  };

  it("names the op, the element, and the user's line", async () => {
    let line = "";
    const error = await fault(() => {
      const x = tensor([2, 0, -1]).mul(1);
      [line] = [here()];
      const [y] = [x.log()]; // one line below `here()`
      return y.exp().sum();
    });
    expect(error.op).toBe("log");
    expect(error.message).toMatch(
      /^log: the first non-finite value appears here: -Infinity at element 1 of f32\[3\], 2 in all, from finite inputs\. Made at /,
    );
    const at = Number(/test\.ts:(\d+)/.exec(error.message)?.[1]);
    expect(at).toBe(Number(/:(\d+)$/.exec(line)?.[1]) + 1);
  });

  it("says which input was given non-finite", async () => {
    const error = await fault(() => tensor([1, 2]).add(tensor([Number.NaN, 1])));
    expect(error.message).toMatch(
      /^add: the first non-finite value appears here: NaN at element 0 of f32\[2\], 1 in all; input 1 was given so\. Made/,
    );
  });

  it("names overflow in a product, and infinity that a division makes", async () => {
    expect((await fault(() => tensor([[3e38]]).matmul(tensor([[10]])))).op).toBe("matmul");
    expect((await fault(() => tensor([1]).div(tensor([0])))).op).toBe("div");
  });

  it("names the line that asked for a gradient", async () => {
    const error = await fault(() => {
      const x = tensor([0, 4]);
      return grad(x.sqrt().sum(), [x])[0];
    });
    expect(error.op).toBe("div");
    expect(error.message).toMatch(/run\.debug\.test\.ts:\d+/);
    expect(error.message).not.toMatch(/Made\s+at .*lib[\\/]/);
  });

  it("computes, writes and draws as ever where all is finite", async () => {
    useExecutor(name);
    const w = new Variable(sample(1, [3, 4]));
    const next = w.mul(0.5).add(sample(2, [4]));
    const outputs = [
      next.softmax(),
      next.argmax(),
      w.matmul(next.transpose()),
      ops.randn([5], { generator: new ops.Generator(1) }),
    ];
    const plain = await evaluate({ outputs });
    debugNonFinite();
    const inspected = await evaluate({ outputs, effects: [{ variable: w, value: next }] });
    for (const [i, values] of inspected.entries())
      expect(mismatches(values, plain[i], { ulps: 4, bounds: 1e-5 })).toEqual([]);
    debugNonFinite(false);
    expect(await w.sub(next).data()).not.toEqual(new Float32Array(12)); // next is of the new w now
    const [written] = await evaluate({ outputs: [w] });
    expect(
      mismatches(
        written,
        (
          await evaluate({
            outputs: [
              sample(1, [3, 4])
                .mul(0.5)
                .add(sample(2, [4])),
            ],
          })
        )[0],
        { ulps: 1 },
      ),
    ).toEqual([]);
  });

  it("off again, lets non-finite values through", async () => {
    await fault(() => tensor([0]).log());
    debugNonFinite(false);
    expect([...(await tensor([0]).log().data())]).toEqual([-Infinity]);
  });
});

/** Runs a module script over the built package in a process of its own. */
function child(script: string, env: Record<string, string>): { stdout: string; stderr: string; status: number | null } {
  const entry = join(import.meta.dirname, "../dist/esm/index.js");
  const code = `import * as eg from ${JSON.stringify(entry)};\n${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { stdout: stdout.trim(), stderr, status };
}

describe("environment variables", () => {
  const script = `
    const w = new eg.Variable(eg.ones([4, 3]), { label: "0.weight" });
    const x = eg.tensor([[1, 2, 3]]);
    const y = x.matmul(w.transpose()).exp().mul(2).sum();
    console.log(await y.item() > 0);`;

  it("EVENGRAD_DEBUG=program prints each program once", () => {
    const { stdout, stderr, status } = child(`${script}\nawait y.item();`, { EVENGRAD_DEBUG: "program" });
    expect([status, stdout]).toEqual([0, "true"]);
    const programs = stderr.match(/^program: \d+ nodes, \d+ calls, \d+ leaves, arena \d+ bytes for \d+$/gm);
    expect(programs).toHaveLength(2); // the first values of the variable, and y
    expect(stderr).toMatch(/^ {3}0 {2}@\d+ = matmul \[1,1,4\] \(\$\d:constant \$\d:0\.weight\)$/m);
    expect(stderr).toMatch(/^ {3}1 {2}@\d+ = exp·mul \[1,4\] \(@\d+\)$/m);
    expect(stderr).toMatch(/^ {3}2 {2}out0 = sum \[1,1\] \(@\d+\)$/m);
  });

  it("EVENGRAD_DEBUG=profile prints what each call took, at the end", () => {
    const { stdout, stderr } = child(`${script}\nconsole.error("last");`, { EVENGRAD_DEBUG: "profile" });
    expect(stdout).toBe("true");
    const took = String.raw`^ +(\d+\.\d\d) ms +(\d+\.\d) %`;
    const lines = stderr.split("\n");
    expect(lines[0]).toBe("last");
    const programs = [...stderr.matchAll(new RegExp(`${took}  program: `, "gm"))];
    expect(programs).toHaveLength(2);
    expect(Number(programs[0][1])).toBeGreaterThanOrEqual(Number(programs[1][1]));
    const at = lines.findIndex((line) => line.includes("arena") && line.includes("calls"));
    const shares = lines.slice(at + 1).map((line) => new RegExp(`${took} +\\d+  (@\\d+|out\\d+) = `).exec(line));
    const own = shares.slice(0, shares.indexOf(null)).map((match) => Number(match?.[2]));
    expect(own.length).toBeGreaterThan(0);
    expect(Math.abs(own.reduce((a, b) => a + b, 0) - 100)).toBeLessThan(1);
  });

  it("EVENGRAD_PASSES_OFF leaves passes out", () => {
    const env = { EVENGRAD_DEBUG: "program", EVENGRAD_PASSES_OFF: "fuse,simplify" };
    const { stdout, stderr } = child(script, env);
    expect(stdout).toBe("true");
    expect(stderr).toMatch(/= permute \[3,4\]/);
    expect(stderr).toMatch(/= exp \[1,4\]/);
    expect(stderr).toMatch(/= mul \[1,4\]/);
  });

  it("EVENGRAD_DEBUG=nonfinite searches without a call", () => {
    const { stdout, stderr } = child(
      `try { await eg.tensor([1, 0]).log().item(); } catch { console.log("item"); }
       try { await eg.tensor([1, 0]).log().data(); } catch (error) { console.log(error.message); }`,
      { EVENGRAD_DEBUG: "program,nonfinite" },
    );
    expect(stdout).toMatch(/^item\nlog: the first non-finite value appears here: -Infinity at element 1 of f32\[2\]/);
    expect(stderr).toContain("program: ");
  });

  it("a misspelled mode is refused", () => {
    const { stderr } = child(script, { EVENGRAD_DEBUG: "nonfinit" });
    expect(stderr).toContain(
      'EVENGRAD_DEBUG: must be some of nonfinite, program, profile with commas between them, got "nonfinit"',
    );
  });

  it("without them nothing is printed", () => {
    expect(child(script, { EVENGRAD_DEBUG: "" })).toEqual({ stdout: "true", stderr: "", status: 0 });
  });
});
