/** Who left a file in the store: a process, as part of a file name. */
import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from './files.ts';

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Where the process number counts: containers may share a host's name but not its processes. */
  readonly space: string;
  /** Tells two things of one process apart. */
  readonly id: string;
}

/** This process, with a fresh id. */
export function newOwner(): Owner {
  return { pid: process.pid, host: hostname(), space: processSpace(), id: randomUUID() };
}

/** A file name without a separator: `4711.host.4026531836.<uuid>`. */
export function ownerName({ pid, host, space, id }: Owner): string {
  return [pid, encodeURIComponent(host).replaceAll('.', '%2E'), space, id].join('.');
}

/** The owner in a name; undefined if the name has another form. */
export function parseOwner(name: string): Owner | undefined {
  const match = /^(\d+)\.([^.]+)\.(\d+)\.([\da-f-]{36})$/.exec(name);
  if (!match) return undefined;
  const [, pid, host, space, id] = match as unknown as [string, string, string, string, string];
  try {
    return { pid: Number(pid), host: decodeURIComponent(host), space, id };
  } catch {
    return undefined; // Not encoded by us.
  }
}

/** Whether the process can be asked for from here: it is of this host and of these process numbers. */
export function isNear({ host, space }: Owner): boolean {
  return host === hostname() && space === processSpace();
}

/** True if the process is certainly no more; false if it lives or cannot be asked from here. */
export function isGone(owner: Owner): boolean {
  if (!isNear(owner)) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

let space: string | undefined;

/** Number of the PID namespace on Linux, `0` elsewhere. */
function processSpace(): string {
  if (space !== undefined) return space;
  try {
    space = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    space = '0';
  }
  return space;
}
