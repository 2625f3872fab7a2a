/** Philox 4x32-10 (Salmon et al., SC'11) and the distributions drawn from it: the oracle of the native sampler. */

// 32×32 → 64 bit product as two words; the split keeps every partial product exact in a double.
function multiply(a: number, b: number): [high: number, low: number] {
  const [ah, al] = [a >>> 16, a & 0xffff];
  const [bh, bl] = [b >>> 16, b & 0xffff];
  const cross = ah * bl + ((al * bl) >>> 16);
  const middle = al * bh + (cross % 0x10000);
  return [(ah * bh + Math.floor(cross / 0x10000) + Math.floor(middle / 0x10000)) >>> 0, Math.imul(a, b) >>> 0];
}

/** The four words of one block: counter (block, stream) under the key (seed). */
export function philox(key: ArrayLike<number>, block: number): [number, number, number, number] {
  let [k0, k1] = [key[0] >>> 0, key[1] >>> 0];
  let [c0, c1, c2, c3] = [block >>> 0, Math.floor(block / 2 ** 32) >>> 0, key[2] >>> 0, key[3] >>> 0];
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = multiply(0xd2511f53, c0);
    const [h1, l1] = multiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1, (h0 ^ c3 ^ k1) >>> 0, l0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}
