/** Every suite, in the order in which they are listed. A new one is a file and a line here. */
import type { Suite } from "../suite.js";
import { elementwise } from "./elementwise.js";
import { gemm } from "./gemm.js";
import { step } from "./step.js";

export const suites: readonly Suite[] = [gemm, elementwise, step];
