/** Shares the machine's cores, memory and one GPU among stages that could run at the same time. */
import { availableParallelism, totalmem } from 'node:os';
import type { DeviceClass } from '@prosodia/core';
import type { Instance } from '../pipeline/plan.ts';

const GIB = 1024 ** 3;

/** What an instance that says nothing is taken to need. */
const USUAL_MEMORY_GB = 0.5;

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
  #granted = 0;

  constructor(cores = availableParallelism(), memory = machineMemory() * 0.8) {
    this.cores = cores;
    this.memory = memory;
    this.#freeCores = cores;
    this.#freeMemory = memory;
  }

  /** What an instance may use now; undefined if it has to wait. Nothing waits while the machine is idle. */
  take({ stage, resources }: Pick<Instance, 'stage' | 'resources'>, device: DeviceClass): Grant | undefined {
    const { threads = 1, memory_gb: gigabytes = USUAL_MEMORY_GB, gpu: wantsGpu = stage.device } = resources;
    const memory = Math.min(gigabytes * GIB, this.memory);
    const gpu = wantsGpu && device !== 'cpu';
    const wanted = threads === 'all' ? this.#freeCores : Math.min(threads, this.cores);
    const idle = this.#granted === 0;
    if (this.#freeCores < Math.max(1, wanted) || (memory > this.#freeMemory && !idle) || (gpu && !this.#gpuFree)) {
      return undefined;
    }
    const grant = { threads: wanted, memory, gpu };
    this.#freeCores -= wanted;
    this.#freeMemory -= memory;
    this.#granted++;
    if (gpu) this.#gpuFree = false;
    return grant;
  }

  /**
   * What an instance is short of even if it has all there is, in words. Only what its pipeline asks for is told: what a
   * stage's definition could make use of is no request, and on a small machine would be told in every run.
   */
  shortfalls({ stage, resources }: Pick<Instance, 'stage' | 'resources'>): string[] {
    const { threads = 1, memory_gb: gigabytes = USUAL_MEMORY_GB } = resources;
    const said: string[] = [];
    if (gigabytes !== stage.resources.memory_gb && gigabytes * GIB > this.memory) {
      const there = (this.memory / GIB).toFixed(1);
      said.push(
        `it wants ${gigabytes} GiB of memory, and there are ${there} for stages: it runs with no other beside it`,
      );
    }
    if (threads !== 'all' && threads !== stage.resources.threads && threads > this.cores) {
      const fixed = stage.resources.threads === 'param';
      said.push(
        fixed
          ? `its ${threads} threads share ${this.cores} cores`
          : `it wants ${threads} threads and gets ${this.cores}, which is all there are`,
      );
    }
    return said;
  }

  give(grant: Grant): void {
    this.#freeCores += grant.threads;
    this.#freeMemory += grant.memory;
    this.#granted--;
    if (grant.gpu) this.#gpuFree = true;
  }

  /** Whether nothing can be taken before something is given back. */
  get full(): boolean {
    return this.#freeCores < 1;
  }
}

/** Memory of the machine, or of the container around this process where that is less. */
function machineMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
