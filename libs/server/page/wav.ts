/** Samples as a WAV file: one channel of 32-bit floats, so that nothing is lost on the way to the model. */

const HEADER = 58;

/** @param samples within -1 and 1 */
export function wavOf(samples: Float32Array, rate: number): ArrayBuffer {
  const bytes = new ArrayBuffer(HEADER + 4 * samples.length);
  const view = new DataView(bytes);
  const text = (at: number, letters: string) => {
    for (let i = 0; i < letters.length; i++) view.setUint8(at + i, letters.charCodeAt(i));
  };
  text(0, 'RIFF');
  view.setUint32(4, bytes.byteLength - 8, true);
  text(8, 'WAVEfmt ');
  // WAVE_FORMAT_IEEE_FLOAT wants the longer format chunk, and a fact chunk.
  view.setUint32(16, 18, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 4 * rate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  text(38, 'fact');
  view.setUint32(42, 4, true);
  view.setUint32(46, samples.length, true);
  text(50, 'data');
  view.setUint32(54, 4 * samples.length, true);
  for (let i = 0; i < samples.length; i++) view.setFloat32(HEADER + 4 * i, samples[i]!, true);
  return bytes;
}
