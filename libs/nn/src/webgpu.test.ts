/**
 * Training on WebGPU, where a Vulkan driver is found: a graphics card's, or SwiftShader, the one in software
 * that Debian's `chromium` package brings. Drivers are looked up when a process starts, hence one of its own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { recipeNetworks } from './testing/recipe-networks.ts';

const SOFTWARE_DRIVER = '/usr/lib/chromium';
const DRIVER_LISTS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'];

const software = existsSync(`${SOFTWARE_DRIVER}/vk_swiftshader_icd.json`);
const found = software || process.env['VK_ICD_FILENAMES'] !== undefined || DRIVER_LISTS.some(existsSync);

/** In software a network takes 10 to 100 seconds, so all of them are for CI. */
const all = process.env['PROSODIA_WEBGPU'] === 'all';
const names = all ? Object.keys(recipeNetworks) : ['ensemble', 'cnn2d'];

function lossesOn(device: string): Record<string, number[]> {
  const script = fileURLToPath(new URL('./testing/train-on.ts', import.meta.url));
  const driver = software
    ? { VK_ICD_FILENAMES: `${SOFTWARE_DRIVER}/vk_swiftshader_icd.json`, LD_LIBRARY_PATH: SOFTWARE_DRIVER }
    : {};
  const output = execFileSync(process.execPath, ['--import', 'tsx', script, device, ...names], {
    env: { ...driver, ...process.env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output) as Record<string, number[]>;
}

it.skipIf(!found)(
  `the networks of ${all ? 'all recipes' : 'two recipes'} train on WebGPU as on the CPU${found ? '' : ' (skipped: no Vulkan driver found)'}`,
  { timeout: 600_000 },
  () => {
    const [cpu, gpu] = [lossesOn('cpu'), lossesOn('webgpu')];
    expect(Object.keys(gpu)).toEqual(names);
    for (const [name, losses] of Object.entries(cpu)) {
      losses.forEach((loss, step) => expect(gpu[name]![step], `${name}, step ${step}`).toBeCloseTo(loss, 3));
    }
  },
);
