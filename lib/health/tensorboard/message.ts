/** Messages in the wire format of Protocol Buffers: as much of it as event files need. */

/** The kinds of a field's value on the wire. */
const [varintType, doubleType, bytesType, floatType] = [0, 1, 2, 5];

const doubles = (values: readonly number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

/** Seven bits a byte, the low ones first; of a whole number from 0 to 2⁵³. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/**
 * A message under construction. Fields must be added in the order of their numbers; as in proto3, numbers that are 0 and
 * lists that are empty are left out, unless they are `present` because they are one of several choices.
 */
export class Message {
  private readonly parts: Uint8Array[] = [];

  private add(field: number, type: number, value: Uint8Array | readonly number[]): this {
    this.parts.push(Uint8Array.from(varint(field * 8 + type)), Uint8Array.from(value));
    return this;
  }

  /** A whole number from 0 on, as int64 and enums are. */
  whole(field: number, value: number): this {
    return value === 0 ? this : this.add(field, varintType, varint(value));
  }

  double(field: number, value: number): this {
    return value === 0 ? this : this.add(field, doubleType, doubles([value]));
  }

  /** Present even if it is 0. */
  float(field: number, value: number): this {
    return this.add(field, floatType, new Uint8Array(Float32Array.of(value).buffer));
  }

  doubles(field: number, values: readonly number[]): this {
    return values.length === 0 ? this : this.bytes(field, doubles(values));
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.encode());
  }

  private bytes(field: number, value: Uint8Array): this {
    this.add(field, bytesType, varint(value.length));
    this.parts.push(value);
    return this;
  }

  encode(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}
