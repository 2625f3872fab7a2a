// Programs written by hand for the addon's tests, which child processes and workers load too.
"use strict";

const path = process.env.EVENGRAD_ADDON
  ? require("node:path").resolve(process.env.EVENGRAD_ADDON)
  : require("node-gyp-build").resolve(require("node:path").dirname(__dirname));
const addon = require(path);

const kernel = (name) => addon.kernels().indexOf(name);
const mapOp = (name) => addon.mapOps().findIndex((op) => op.name === name);
const READ = 0;
const VARIABLE = 1;
const OUTPUT = 2;

/** slots: [dtype, count, access]; buffers: [kind, at, dtype, count]; calls: [kernel, in, out, params]. */
function encode({ slots, buffers, calls, arenaBytes = 0 }) {
  return {
    slots: Float64Array.from(slots.flat()),
    buffers: Float64Array.from(buffers.flat()),
    code: Float64Array.from(
      calls.flatMap(([name, ins, outs, params]) => [
        kernel(name),
        ...[ins.length, ...ins],
        ...[outs.length, ...outs],
        ...[params.length, ...params],
      ]),
    ),
    arenaBytes,
  };
}

/** Params of `map` for out = a + b, all of n elements, where b may be one number. */
const sum = (n, strideB = 1) => [1, n, 1, strideB, 0, 1, mapOp("add"), 0, 1, 0, 2];

/** Slot 2 = slot 0 + slot 1. */
const add = (n) =>
  encode({
    slots: [
      [0, n, READ],
      [0, n, READ],
      [0, n, OUTPUT],
    ],
    buffers: [
      [1, 0, 0, n],
      [1, 1, 0, n],
      [1, 2, 0, n],
    ],
    calls: [["map", [0, 1], [2], sum(n)]],
  });

/** Slot 2 = slot 0 (n numbers) at the indices of slot 1 (m). */
const gather = (n, m) =>
  encode({
    slots: [
      [0, n, READ],
      [1, m, READ],
      [0, m, OUTPUT],
    ],
    buffers: [
      [1, 0, 0, n],
      [1, 1, 1, m],
      [1, 2, 0, m],
    ],
    calls: [["gather", [0, 1], [2], [1, n, 1, m]]],
  });

/** A product of n x n matrices into the arena before, between and after adding slot 0 to variables 1 and 2. */
const counter = (n) => {
  const product = ["matmul", [3, 3], [4], [1, n, n, n, 0, 0, 0, 0, 0]];
  const block = Math.ceil((n * n * 4) / 64) * 64;
  return encode({
    slots: [
      [0, 1, READ],
      [0, 1, VARIABLE],
      [0, 1, VARIABLE],
      [0, n * n, READ],
    ],
    buffers: [
      [1, 0, 0, 1],
      [1, 1, 0, 1],
      [1, 2, 0, 1],
      [1, 3, 0, n * n],
      [0, 0, 0, n * n],
    ],
    calls: [product, ["map", [1, 0], [1], sum(1)], product, ["map", [2, 0], [2], sum(1)], product],
    arenaBytes: block,
  });
};

/** The counter, bound: run(steps) takes long. */
function long(n = 128) {
  const variables = [new Float32Array(1), new Float32Array(1)];
  const arrays = [Float32Array.of(1), ...variables, new Float32Array(n * n)];
  return { variables, binding: addon.createProgram(counter(n)).bind(arrays) };
}

module.exports = { addon, path, encode, add, gather, counter, long, READ, VARIABLE, OUTPUT };
