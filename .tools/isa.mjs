// Runs the tests once per instruction set that this machine has, with EVENGRAD_ISA forcing it:
// `isa.mjs [filters…]`. With `--others`, leaves out the one that plain `npm test` has run.
import { bin, Failure, main, node } from "./lib.mjs";

/** What a function of the addon returns. */
async function ask(name) {
  const script = `console.log(JSON.stringify(require("./build/Release/evengrad.node").${name}()))`;
  const { code, output } = await node("-e", [script]);
  if (code) throw new Failure(output);
  return JSON.parse(output);
}

await main(async () => {
  const args = process.argv.slice(2);
  const filters = args.filter((arg) => arg !== "--others");
  const usual = args.includes("--others") ? await ask("isa") : undefined;
  const failed = [];
  for (const isa of (await ask("isas")).filter((name) => name !== usual)) {
    console.log(`${isa}:`);
    const command = ["run", "--config", "test/vitest.config.ts", "--exclude", "test/pack.test.ts"];
    const env = { ...process.env, EVENGRAD_ISA: isa };
    const { code } = await node(bin("vitest"), [...command, ...filters], { stdio: "inherit", env });
    if (code) failed.push(isa);
  }
  if (failed.length) throw new Failure(`isa: failed under ${failed.join(", ")}`);
});
