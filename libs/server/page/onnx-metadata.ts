/**
 * Metadata of an ONNX file, which onnxruntime-web does not tell: field 14 of ModelProto, pairs of a key (field 1)
 * and a value (field 2).
 */

/** @throws Error for bytes that are no protobuf message */
export function onnxMetadata(bytes: Uint8Array): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const [number, content] of fields(bytes)) {
    if (number !== 14 || content === undefined) continue;
    const pair = new Map([...fields(content)]);
    const text = (key: number) => new TextDecoder().decode(pair.get(key) ?? new Uint8Array(0));
    metadata.set(text(1), text(2));
  }
  return metadata;
}

/** Fields of a message: those with bytes have them, others are passed over. */
function* fields(bytes: Uint8Array): Generator<[number: number, content: Uint8Array | undefined]> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new Error('the model is not a whole ONNX file');
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        varint();
        yield [number, undefined];
        break;
      case 1:
        at += 8;
        yield [number, undefined];
        break;
      case 2: {
        const length = varint();
        if (at + length > bytes.length) throw new Error('the model is not a whole ONNX file');
        yield [number, bytes.subarray(at, at + length)];
        at += length;
        break;
      }
      case 5:
        at += 4;
        yield [number, undefined];
        break;
      default:
        throw new Error('the model is not an ONNX file');
    }
  }
}
