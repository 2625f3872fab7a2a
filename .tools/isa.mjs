// Runs the tests once per instruction set that this machine has, with EVENGRAD_ISA forcing it:
// `isa.mjs [filters…]`. With `--others`, leaves out the one that plain `npm test` has run.
import { readGyp } from "./gyp.mjs";
import { bin, Failure, main, node, root } from "./lib.mjs";

/** The instruction set that the addon says it uses when `isa` is forced, or undefined. */
async function chosen(isa) {
  const env = { ...process.env, EVENGRAD_ISA: isa };
  if (!isa) delete env.EVENGRAD_ISA;
  const script = 'console.log(require("./build/Release/evengrad.node").isa)';
  const { code, output } = await node("-e", [script], { env });
  return code ? undefined : output.trim();
}

await main(async () => {
  const args = process.argv.slice(2);
  const filters = args.filter((arg) => arg !== "--others");
  const usual = args.includes("--others") ? await chosen() : undefined;
  const failed = [];
  for (const { isa } of readGyp(root).sources.filter((source) => source.isa)) {
    if (isa === usual) continue;
    if ((await chosen(isa)) !== isa) {
      console.log(`${isa}: not on this machine`);
      continue;
    }
    console.log(`${isa}:`);
    const command = ["run", "--config", "test/vitest.config.ts", "--exclude", "test/pack.test.ts"];
    const env = { ...process.env, EVENGRAD_ISA: isa };
    const { code } = await node(bin("vitest"), [...command, ...filters], { stdio: "inherit", env });
    if (code) failed.push(isa);
  }
  if (failed.length) throw new Failure(`isa: failed under ${failed.join(", ")}`);
});
