/**
 * Where threads put what lies between two stages: in memory where there is room, so that no recording reaches a disk.
 *
 * Every thread has a folder of its own, which goes when the thread does, however it ends.
 */
import { mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** Containers often have 64 MiB there, which a few long recordings would fill. */
const ROOM_BYTES = 2 ** 30;

/** A new folder; TMPDIR, if it is set, says where. */
export function scratchFolder(): string {
  const parent = process.env['TMPDIR'] === undefined && hasRoom() ? MEMORY : tmpdir();
  return mkdtempSync(join(parent, 'prosodia-serve-'));
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    return false;
  }
}
