/** Every suite, in the order in which they are listed. A new one is a file and a line here. */
import type { Suite } from "../suite.js";
import { contended } from "./contended.js";
import { elementwise } from "./elementwise.js";
import { epoch } from "./epoch.js";
import { gemm } from "./gemm.js";
import { init } from "./init.js";
import { loop } from "./loop.js";
import { memory } from "./memory.js";
import { optimizer } from "./optimizer.js";
import { sampling } from "./sampling.js";
import { startup } from "./startup.js";
import { step } from "./step.js";

export const suites: readonly Suite[] = [
  ...[gemm, elementwise, sampling, init, optimizer],
  ...[step, epoch, loop, contended, memory, startup],
];
