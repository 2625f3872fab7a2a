// ONNX Runtime: a graph of MatMul or Gemm nodes. Small products stand in it several times, so that the
// call from JavaScript weighs little, as it does in ours.
import ort from "onnxruntime-node";
import { floats, footprintOf } from "./training.mjs";

/** Protocol buffers, as much of them as a graph needs: fields of numbers, texts and messages. */
function message(...fields) {
  const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
  const parts = fields.map(([number, value]) => {
    if (typeof value === "number") return Buffer.from([...varint(number * 8), ...varint(value)]);
    const body = Buffer.from(value);
    return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(body.length)]), body]);
  });
  return Buffer.concat(parts);
}

const tensorOf = (name, shape) => {
  const dims = shape.map((n) => [1, message([1, n])]);
  return message([1, name], [2, message([1, message([1, 1], [2, message(...dims)])])]);
};
const flag = (name, value) => message([1, name], [3, value], [20, 2]);

/** ONNX (ir 8, opset 13): `copies` products of a and b, c0 and so on. */
function model({ M, N, K, layout }, copies) {
  const [transA, transB] = [...layout].map((c) => Number(c === "t"));
  const names = Array.from({ length: copies }, (_, i) => `c${i}`);
  const kind = transA || transB ? "Gemm" : "MatMul";
  const flags = kind === "Gemm" ? [flag("transA", transA), flag("transB", transB)] : [];
  const nodes = names.map((name) => [
    1,
    message([1, "a"], [1, "b"], [2, name], [4, kind], ...flags.map((attribute) => [5, attribute])),
  ]);
  const a = tensorOf("a", transA ? [K, M] : [M, K]);
  const b = tensorOf("b", transB ? [N, K] : [K, N]);
  const outputs = names.map((name) => [12, tensorOf(name, [M, N])]);
  const graph = message(...nodes, [2, "g"], [11, a], [11, b], ...outputs);
  return message([1, 8], [7, graph], [8, message([1, ""], [2, 13])]);
}

async function gemm(spec) {
  const { M, N, K, layout, a, b } = spec;
  const copies = Math.max(1, Math.min(64, Math.round(2e8 / (2 * M * N * K))));
  const session = await ort.InferenceSession.create(model(spec, copies), {
    intraOpNumThreads: Number(process.env.BENCH_NUM_THREADS),
    interOpNumThreads: 1,
    graphOptimizationLevel: "disabled", // or equal products would be made one
  });
  const feeds = {
    a: new ort.Tensor("float32", floats(a), layout[0] === "t" ? [K, M] : [M, K]),
    b: new ort.Tensor("float32", floats(b), layout[1] === "t" ? [N, K] : [K, N]),
  };
  const wanted = `c${copies - 1}`;
  const fetches = { [wanted]: new ort.Tensor("float32", new Float32Array(M * N), [M, N]) };
  let last;
  return {
    /** A call is one product; a run of the session makes `copies` of them. */
    callsPerRun: copies,
    async run(runs) {
      for (let i = 0; i < runs; i++) last = await session.run(feeds, fetches);
    },
    async results() {
      await this.run(1);
      return last[wanted].data;
    },
  };
}

export const kinds = { gemm };
export const footprint = footprintOf("onnxruntime-node");
