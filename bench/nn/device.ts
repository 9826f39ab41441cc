/**
 * Every network of the recipes on a GPU beside the CPU, in the same run, and what bounds it there.
 *
 * Per network: the fastest step as an epoch of 1,152 rows; for the CPU of the better of one and two threads.
 * Then a few steps under ONNX Runtime's profiler say where the time of a step goes: `cpu_share` in operators
 * that the provider leaves to the CPU, `launch_share` in handing kernels to the GPU, `copy_share` in copies
 * within the graph, which wait for all kernels before them, and `wait_share`, the rest: waiting for the GPU at
 * the end, copying inputs and outputs, and the update of the weights, which is on the CPU. `bound` names the
 * largest. Kernels are timed where they are handed over, so no share says how long the GPU computes.
 */
import type { DeviceClass } from '@prosodia/core';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipeNetworks, type TestNetwork } from '../../libs/nn/src/testing/recipe-networks.ts';
import { openTraining } from './ours.ts';

const ROWS = 1152;
const PROFILED_STEPS = 5;

interface Request {
  readonly rounds: number;
  readonly steps: number;
  readonly batch: number;
  /** Recipes; all if there are none. */
  readonly names: readonly string[];
}

/** Prints one JSON object per line. Throws a RequestError if the device is not there. */
export async function benchmarkDevice(device: string, { rounds, steps, batch, names }: Request): Promise<void> {
  const chosen = Object.entries(recipeNetworks).filter(([name]) => names.length === 0 || names.includes(name));
  for (const [name, network] of chosen) {
    const best = { cpu: Infinity, device: Infinity, create: Infinity };
    for (let round = 0; round < rounds; round++) {
      for (const threads of [1, 2]) {
        best.cpu = Math.min(best.cpu, (await fastest(network, batch, { threads }, steps)).seconds);
      }
      const found = await fastest(network, batch, { device: device as DeviceClass }, steps);
      best.device = Math.min(best.device, found.seconds);
      best.create = Math.min(best.create, found.createSeconds);
    }
    const profile = await profileOf(network, batch, device as DeviceClass);
    const epoch = (seconds: number): number => rounded((seconds * ROWS) / batch);
    console.log(
      JSON.stringify({
        name: `nn/${name}/batch-${batch}`,
        device,
        device_s: epoch(best.device),
        cpu_s: epoch(best.cpu),
        ratio: rounded(best.device / best.cpu),
        create_s: rounded(best.create),
        ...profile,
      }),
    );
  }
}

async function fastest(
  network: TestNetwork,
  batch: number,
  options: { device?: DeviceClass; threads?: number },
  steps: number,
): Promise<{ seconds: number; createSeconds: number }> {
  const training = await openTraining(network, batch, options);
  const { seconds } = await training.fastestStep(steps);
  await training.release();
  return { seconds, createSeconds: training.createSeconds };
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name?: string; readonly provider?: string };
}

async function profileOf(network: TestNetwork, batch: number, device: DeviceClass) {
  const folder = mkdtempSync(join(tmpdir(), 'prosodia-bench-'));
  try {
    const training = await openTraining(network, batch, { device, profile: join(folder, 'profile') });
    // The first step compiles kernels; its time is left out below.
    await training.step();
    const from = performance.now();
    for (let i = 0; i < PROFILED_STEPS; i++) await training.step();
    const stepMicroseconds = ((performance.now() - from) * 1000) / PROFILED_STEPS;
    await training.release();
    const text = readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8');
    return summarize(JSON.parse(text) as ProfileEvent[], stepMicroseconds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function summarize(events: readonly ProfileEvent[], step: number) {
  const kernels = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
  const perStep = kernels.length / (PROFILED_STEPS + 1);
  const measured = kernels.slice(Math.round(perStep));
  const [copies, computed] = split(measured, ({ args }) => args.op_name?.startsWith('Memcpy') ?? false);
  const [onCpu, launched] = split(computed, ({ args }) => args.provider === 'CPUExecutionProvider');
  const share = (part: readonly ProfileEvent[]): number =>
    part.reduce((total, { dur }) => total + dur, 0) / PROFILED_STEPS / step;
  const shares = { cpu: share(onCpu), launch: share(launched), copy: share(copies) };
  const wait = Math.max(0, 1 - shares.cpu - shares.launch - shares.copy);
  const each = (part: readonly ProfileEvent[]): number => Math.round(part.length / PROFILED_STEPS);
  const slowest = byOperator(onCpu);
  const reasons: readonly (readonly [number, string])[] = [
    [shares.cpu, `operators on the CPU, most of it ${slowest[0]?.[0]}`],
    [shares.launch, `handing over ${each(launched)} kernels a step`],
    [
      shares.copy,
      `${each(copies)} copies a step to and from operators on the CPU, which wait for the kernels before them`,
    ],
    [wait, 'waiting for the GPU, copies of inputs and outputs, and the update'],
  ];
  return {
    kernels_per_step: each(launched),
    copies_per_step: each(copies),
    cpu_operators: Object.fromEntries(slowest.map(([op, part]) => [op, each(part)])),
    cpu_share: rounded(shares.cpu),
    launch_share: rounded(shares.launch),
    copy_share: rounded(shares.copy),
    wait_share: rounded(wait),
    bound: reasons.reduce((most, reason) => (reason[0] > most[0] ? reason : most))[1],
  };
}

/** Grouped by operator, those that took longest first. */
function byOperator(events: readonly ProfileEvent[]): [string, ProfileEvent[]][] {
  const groups = new Map<string, ProfileEvent[]>();
  for (const event of events) {
    const op = event.args.op_name ?? 'unknown';
    groups.set(op, [...(groups.get(op) ?? []), event]);
  }
  const time = (group: readonly ProfileEvent[]): number => group.reduce((total, { dur }) => total + dur, 0);
  return [...groups].sort(([, a], [, b]) => time(b) - time(a));
}

function split<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
