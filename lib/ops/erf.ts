/** The error function, its complement and its inverse in double precision, which JavaScript's Math lacks. */

// erf x = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!  (Abramowitz & Stegun 7.1.6): all terms have one sign, nothing cancels.
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

// erfc x = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 1½/(x + …))))  (7.1.14), evaluated from the inside.
function fraction(x: number): number {
  let tail = x;
  for (let k = 120; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  return series(x);
}

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === Infinity) return 0;
  return x > 2 ? fraction(x) : 1 - erf(x);
}

/** The x of which erf x = y, for |y| ≤ 0.99: Newton's method, which comes to the root from one side, that of 0. */
export function erfInverse(y: number): number {
  let x = 0;
  for (let n = 0; n < 20; n++) {
    const step = ((erf(x) - y) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
    x -= step;
    if (Math.abs(step) < 1e-9) break; // what is left is about its square
  }
  return x;
}
