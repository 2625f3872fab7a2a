/** A run of the zoo that the tests of its bench share. */
import { drawHealthy } from "../bench/doctor/healthy.js";
import { Random } from "../bench/doctor/random.js";

export const healthyRun = drawHealthy(new Random("zoo.test"), {
  data: ["blobs"],
  depth: [2, 2],
  width: [32],
  activation: ["relu"],
  norm: ["none"],
  optimizer: ["adam"],
  rows: [500],
  auto: true,
});
