/**
 * `init.analyze` before the first step: 30 layers of ReLU from Xavier's weights, whose signal and gradient both die though
 * the ratio of their weight gradients looks well, and the same layers from `init.auto`.
 *
 *     node examples/analyze.mjs [FOLDER]
 */
import { Generator, init, nn, randn } from "evengrad";
import { runAs } from "./output.mjs";

function stack(depth, width, options) {
  const generator = new Generator(1);
  const hidden = Array.from({ length: depth }, () => [
    new nn.Linear(width, width, { generator, ...options }),
    new nn.ReLU(),
  ]);
  return new nn.Sequential(...hidden.flat(), new nn.Linear(width, 10, { generator }));
}

export async function analyses({ depth = 30, width = 128 } = {}) {
  const x = randn([128, width], { generator: new Generator(2) });
  return {
    xavier: await init.analyze(stack(depth, width, { weightInit: init.xavierNormal }), x),
    auto: await init.analyze(stack(depth, width, {}), x),
  };
}

await runAs(import.meta.url, async () => {
  const { xavier, auto } = await analyses();
  console.log(`Xavier\n\n${xavier}\n\ninit.auto\n\n${auto}\n`);
  return { "analyze-xavier": xavier.svg(), "analyze-auto": auto.svg() };
});
