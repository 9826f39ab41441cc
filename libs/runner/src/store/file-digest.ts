/**
 * What the store knows content by: BLAKE3, as 64 lower-case hexadecimal digits (`b3sum FILE` prints the same).
 *
 * Not SHA-256, which a processor without instructions for it computes at a third of a disk's speed; BLAKE3 was three
 * times as fast as the disk there (docs/decisions/digests.md). Loaded on first use: a warm run takes no digest.
 */
import { open } from 'node:fs/promises';
import type { Blake3Hasher } from '@napi-rs/blake-hash';

/** Files are read in pieces of so many bytes, which a processor's second-level cache holds. */
const PIECE = 256 * 2 ** 10;

/** Digest of bytes, or of a text as UTF-8. */
export async function digestOf(content: string | Buffer): Promise<string> {
  return (await newHasher()).update(content).digest('hex');
}

/**
 * Digest of a file of any size. Rejects as the file system does if it cannot be read. One piece is hashed while another
 * thread reads the next into a second buffer: no stream between, no new memory.
 */
export async function digestOfFile(path: string): Promise<string> {
  const hasher = await newHasher();
  const file = await open(path);
  try {
    let [piece, next] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
    let { bytesRead } = await file.read(piece, 0, PIECE);
    // Until nothing comes: some file systems give less than asked for in the middle of a file.
    while (bytesRead > 0) {
      const reading = file.read(next, 0, PIECE);
      hasher.update(piece.subarray(0, bytesRead));
      ({ bytesRead } = await reading);
      [piece, next] = [next, piece];
    }
  } finally {
    await file.close();
  }
  return hasher.digest('hex');
}

let loading: Promise<typeof Blake3Hasher> | undefined;

async function newHasher(): Promise<Blake3Hasher> {
  loading ??= import('@napi-rs/blake-hash').then(({ default: blake }) => blake.Blake3Hasher);
  return new (await loading)();
}
