/** Shares the machine's cores, memory and one GPU among stages that could run at the same time. */
import { availableParallelism, totalmem } from 'node:os';
import type { DeviceClass } from '@prosodia/core';
import type { Instance } from '../pipeline/resolve.ts';

const GIB = 1024 ** 3;

export interface Grant {
  threads: number;
  memory: number;
  gpu: boolean;
}

export class Slots {
  readonly cores: number;
  readonly memory: number;
  #freeCores: number;
  #freeMemory: number;
  #gpuFree = true;

  constructor(cores = availableParallelism(), memory = totalmem() * 0.8) {
    this.cores = cores;
    this.memory = memory;
    this.#freeCores = cores;
    this.#freeMemory = memory;
  }

  /** What an instance may use now; undefined if it has to wait. Nothing waits while the machine is idle. */
  take({ stage }: Instance, device: DeviceClass): Grant | undefined {
    const { threads = 1, memory_gb: gigabytes = 0.5 } = stage.resources;
    const memory = Math.min(gigabytes * GIB, this.memory);
    const gpu = stage.device && device !== 'cpu';
    const wanted = threads === 'all' ? this.#freeCores : Math.min(threads, this.cores);
    const idle = this.#freeCores === this.cores;
    if (this.#freeCores < Math.max(1, wanted) || (memory > this.#freeMemory && !idle) || (gpu && !this.#gpuFree)) {
      return undefined;
    }
    const grant = { threads: wanted, memory, gpu };
    this.#freeCores -= wanted;
    this.#freeMemory -= memory;
    if (gpu) this.#gpuFree = false;
    return grant;
  }

  give(grant: Grant): void {
    this.#freeCores += grant.threads;
    this.#freeMemory += grant.memory;
    if (grant.gpu) this.#gpuFree = true;
  }
}
