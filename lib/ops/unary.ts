/** Elementwise functions of one tensor. Each entry: oracle, derivative, sample domain. */
import { erf as erf64, erfc as erfc64 } from "./erf.js";
import { unary } from "./map.js";

const logistic = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus64 = (x: number): number => (Number.isNaN(x) ? x : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
// x·f(x) where f falls to 0 faster than x grows: the limit at −∞ is −0, not NaN.
const tail = (x: number, factor: number): number => (x === -Infinity ? -0 : x * factor);

/** −x. */
export const neg = unary("neg", { typing: "number", reference: (x) => -x, vjp: (g) => [g.neg()] });

/** |x|; the gradient at 0 is 0. */
export const abs = unary("abs", { typing: "number", reference: Math.abs, vjp: (g, [x]) => [g.mul(x.sign())] });

/** −1, 0 or 1; of −0 it is 0. */
export const sign = unary("sign", { typing: "number", reference: (x) => Math.sign(x) + 0 });

/** eˣ. */
export const exp = unary("exp", { reference: Math.exp, vjp: (g, _, y) => [g.mul(y)] });

/** eˣ − 1, accurate near 0. */
export const expm1 = unary("expm1", { reference: Math.expm1, vjp: (g, [x]) => [g.mul(x.exp())] });

/** Natural logarithm. */
export const log = unary("log", { reference: Math.log, vjp: (g, [x]) => [g.div(x)], domain: [0.1, 4] });

/** ln(1 + x), accurate near 0. */
export const log1p = unary("log1p", { reference: Math.log1p, vjp: (g, [x]) => [g.div(x.add(1))], domain: [-0.8, 4] });

/** √x. d √x = 1 / 2√x */
export const sqrt = unary("sqrt", { reference: Math.sqrt, vjp: (g, _, y) => [g.div(y.mul(2))], domain: [0.1, 4] });

/** 1/√x. d x^−½ = −½ x^−1½ */
export const rsqrt = unary("rsqrt", {
  reference: (x) => 1 / Math.sqrt(x),
  vjp: (g, _, y) => [g.mul(y.mul(y).mul(y).mul(-0.5))],
  domain: [0.1, 4],
});

/** 1/x. d 1/x = −1/x² */
export const reciprocal = unary("reciprocal", {
  reference: (x) => 1 / x,
  vjp: (g, _, y) => [g.mul(y.mul(y).neg())],
  domain: [0.3, 3],
});

/** x². */
export const square = unary("square", {
  typing: "number",
  reference: (x) => x * x,
  integer: (x) => Math.imul(x, x),
  vjp: (g, [x]) => [g.mul(x.mul(2))],
});

/** Sine, x in radians. */
export const sin = unary("sin", { reference: Math.sin, vjp: (g, [x]) => [g.mul(x.cos())] });

/** Cosine, x in radians. */
export const cos = unary("cos", { reference: Math.cos, vjp: (g, [x]) => [g.mul(x.sin().neg())] });

/** Hyperbolic tangent. d tanh = 1 − tanh² */
export const tanh = unary("tanh", { reference: Math.tanh, vjp: (g, _, y) => [g.mul(y.square().neg().add(1))] });

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** Error function. d erf = 2/√π e^(−x²) */
export const erf = unary("erf", {
  reference: erf64,
  vjp: (g, [x]) => [g.mul(x.square().neg().exp().mul(twoOverRootPi))],
});

/** Complementary error function 1 − erf x, accurate in the tail. */
export const erfc = unary("erfc", {
  reference: erfc64,
  vjp: (g, [x]) => [g.mul(x.square().neg().exp().mul(-twoOverRootPi))],
});

/** Logistic function 1/(1 + e^−x). dσ = σ(1 − σ), largest (¼) at 0. */
export const sigmoid = unary("sigmoid", {
  reference: logistic,
  // σ(−x) rather than 1 − σ(x): the tail keeps its digits.
  vjp: (g, [x], y) => [g.mul(y.mul(x.neg().sigmoid()))],
});

/** ln(1 + eˣ), as max(x, 0) + log1p(e^−|x|). */
export const softplus = unary("softplus", { reference: softplus64, vjp: (g, [x]) => [g.mul(x.sigmoid())] });

/** ln σ(x), as min(x, 0) − log1p(e^−|x|). */
export const logSigmoid = unary("logSigmoid", {
  reference: (x) => -softplus64(-x),
  vjp: (g, [x]) => [g.mul(x.neg().sigmoid())],
});

/** Gaussian error linear unit x·Φ(x), exact: ½x·erfc(−x/√2) (Hendrycks & Gimpel 2016). d = Φ(x) + x·φ(x) */
export const gelu = unary("gelu", {
  reference: (x) => tail(x, 0.5 * erfc64(-x * Math.SQRT1_2)),
  vjp: (g, [x]) => {
    const cdf = x.mul(-Math.SQRT1_2).erfc().mul(0.5);
    const pdf = x
      .square()
      .mul(-0.5)
      .exp()
      .mul(1 / Math.sqrt(2 * Math.PI));
    return [g.mul(cdf.add(x.mul(pdf)))];
  },
});

const root2OverPi = Math.sqrt(2 / Math.PI);

/** The tanh approximation of GELU: ½x(1 + tanh u), u = √(2/π)(x + 0.044715x³). */
export const geluTanh = unary("geluTanh", {
  // ½(1 + tanh u) = σ(2u), which keeps its digits far below 0
  reference: (x) => tail(x, logistic(2 * root2OverPi * (x + 0.044715 * x * x * x))),
  vjp: (g, [x]) => {
    const t = x.add(x.mul(x.square()).mul(0.044715)).mul(root2OverPi).tanh();
    const du = x
      .square()
      .mul(3 * 0.044715)
      .add(1)
      .mul(root2OverPi);
    return [
      g.mul(
        t
          .add(1)
          .mul(0.5)
          .add(x.mul(t.square().neg().add(1)).mul(du).mul(0.5)),
      ),
    ];
  },
});

/** x·σ(x), also called Swish (Ramachandran et al. 2017). d = σ(1 + x(1 − σ)) */
export const silu = unary("silu", {
  reference: (x) => tail(x, logistic(x)),
  vjp: (g, [x]) => {
    const s = x.sigmoid();
    return [g.mul(s.mul(x.mul(x.neg().sigmoid()).add(1)))];
  },
});

/** {@link silu} by its other name. */
export const swish = silu;

/** x·tanh(softplus x) (Misra 2019). */
export const mish = unary("mish", {
  reference: (x) => tail(x, Math.tanh(softplus64(x))),
  vjp: (g, [x]) => {
    const t = x.softplus().tanh();
    return [g.mul(t.add(x.mul(x.sigmoid()).mul(t.square().neg().add(1))))];
  },
});

/** max(x, 0); the gradient at 0 is 0. As in PyTorch, −0 remains what it is. */
export const relu = unary("relu", {
  reference: (x) => (x < 0 ? 0 : x),
  // y > 0 exactly where x > 0: keeping y spares x.
  vjp: (g, _, y) => [y.greater(0).where(g, 0)],
});

/** Largest whole number not above x. */
export const floor = unary("floor", { reference: Math.floor });

/** Smallest whole number not below x. */
export const ceil = unary("ceil", { reference: Math.ceil });

/** Nearest whole number, halves to even; it keeps the sign, also of zero. */
export const round = unary("round", {
  reference: (x) => {
    if (!(Math.abs(x) < 2 ** 52)) return x;
    const away = Math.floor(Math.abs(x) + 0.5);
    const even = away - Math.abs(x) === 0.5 && away % 2 !== 0 ? away - 1 : away;
    return x < 0 || Object.is(x, -0) ? -even : even;
  },
});

/** True where x is 0. */
export const logicalNot = unary("logicalNot", { typing: "logic", reference: (x) => Number(x === 0) });

const finite = unary("isFinite", { typing: "test", reference: (x) => Number(Number.isFinite(x)) });
const nan = unary("isNaN", { typing: "test", reference: (x) => Number(Number.isNaN(x)) });

export {
  /** True where x is neither infinite nor NaN. */
  finite as isFinite,
  /** True where x is NaN. */
  nan as isNaN,
};
