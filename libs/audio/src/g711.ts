/**
 * The two telephone companding laws of ITU-T G.711, decoded to the 16-bit values that libsndfile gives.
 * Both store a sign, a 3-bit segment and a 4-bit step; each segment is twice as coarse as the one below it.
 */

/** A-law byte to a 16-bit sample. Even bits are stored inverted; segment 0 has no implied leading one. */
export function aLawToPcm16(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = ((code & 15) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 256) << (segment - 1);
  return code & 0x80 ? magnitude : -magnitude;
}

/** Mu-law byte to a 16-bit sample. All bits are stored inverted; 132 is the law's bias (33) in 16-bit units. */
export function muLawToPcm16(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 0x80 ? -magnitude : magnitude;
}
