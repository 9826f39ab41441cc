/**
 * Models that were really trained, in a real browser: on the page of `prosodia serve`, and on the page that the how-to
 * has one embed them in.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BROWSER, SKIPPED, launchBrowser } from './support/browser.ts';
import { tinyProject } from './support/corpus.ts';
import type { Started, TestProject } from './support/project.ts';
import { TRIMMED, shortenedRecipe } from './support/recipes.ts';

/** Recipes with the rate of a clip; they themselves hear 16 and 22.05 kHz. */
const MODELS = [
  ['mfcc-forest', 48_000],
  ['cnn-lstm', 44_100],
] as const;

let project: TestProject;
let serving: Started;
let url: string;
let browser: Browser;
let page: Page;

function voice(rate: number): Uint8Array<ArrayBuffer> {
  const rng = new Rng(4, 'voice', rate);
  const samples = Float32Array.from(
    { length: 0.9 * rate },
    (_, i) => 0.3 * Math.sign(Math.sin((2 * Math.PI * 150 * i) / rate)) + 0.02 * rng.normal(),
  );
  return new Uint8Array(encodeWav(samples, rate));
}

async function fromServer(model: string, rate: number): Promise<Record<string, number>> {
  const headers = { 'content-type': 'audio/wav' };
  const response = await fetch(`${url}/v1/predict?model=${model}`, { method: 'POST', body: voice(rate), headers });
  const { result } = (await response.json()) as { result: { probabilities: Record<string, number> } };
  return result.probabilities;
}

function expectNear(found: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [label, probability] of Object.entries(expected)) {
    expect(Math.abs(found[label]! - probability), label).toBeLessThan(1e-4);
  }
}

/** The page of the server, anew. */
async function opened(): Promise<void> {
  page = await browser.newPage();
  await page.goto(url);
  await page.locator('#status', { hasText: 'Ready' }).waitFor();
}

describe.skipIf(BROWSER === undefined)(`a trained model on this device${SKIPPED}`, () => {
  beforeAll(async () => {
    const tiny = tinyProject();
    project = tiny.project;
    const trimmed = join(project.root, 'trimmed.yaml');
    writeFileSync(trimmed, TRIMMED);
    for (const args of [
      [
        shortenedRecipe(project, 'mfcc-forest', [
          ['n_estimators: 300', 'n_estimators: 5'],
          ['folds: 5', 'folds: 4'],
        ]),
        '--corpus=tiny',
      ],
      [
        shortenedRecipe(project, 'cnn-lstm', [
          ['epochs: 100', 'epochs: 2'],
          ['frames: 174', 'frames: 20'],
        ]),
        ...['--corpus=tiny', '--seeds=1'],
      ],
      [trimmed],
    ]) {
      const { code, err } = await project.cli(['run', ...args, '--json', `--data=${tiny.data}`]);
      expect(code, err).toBe(0);
    }
    const exported = await project.cli(['export', 'mfcc-forest', '--to', 'bundle']);
    expect(exported.code, exported.err).toBe(0);
    symlinkSync(join(project.root, 'node_modules'), join(project.root, 'bundle', 'node_modules'));

    serving = project.start(['serve', 'bundle', 'cnn-lstm', 'trimmed', '--port', '0', '--threads', '1', '--json']);
    await Promise.race([once(serving.child.stdout!, 'data'), serving.ended]);
    expect(serving.said.out, serving.said.err).toContain('\n');
    ({ url } = JSON.parse(serving.said.out.split('\n')[0]!) as { url: string });
    const sound = join(project.root, 'heard.wav');
    writeFileSync(sound, voice(16_000));
    browser = await launchBrowser(sound);
  }, 240_000);
  afterEach(() => page.close());
  afterAll(async () => {
    await browser?.close();
    serving?.child.kill('SIGKILL');
    await serving?.ended;
    project?.remove();
  });

  it.each(MODELS)('gives the probabilities of the server and sends nothing: %s', async (model, rate) => {
    const expected = await fromServer(model, rate);
    await opened();
    await page.selectOption('#model', model);
    await page.locator('#on-device:enabled').waitFor();
    await page.check('#on-device');
    await page.locator('#status', { hasText: 'No sound is sent' }).waitFor();
    const requests: string[] = [];
    page.on('request', (request) => {
      const sent = request.postDataBuffer()?.length ?? 0;
      if (!request.url().startsWith('blob:')) requests.push(`${request.method()} ${request.url()} ${sent}`);
    });
    page.on('websocket', (socket) => requests.push(socket.url()));
    const clip = { name: `${model}.wav`, mimeType: 'audio/wav', buffer: Buffer.from(voice(rate)) };
    await page.setInputFiles('#files', clip);
    await page.locator('.answer', { hasText: 'Computed on this device' }).waitFor();
    const found = await page.locator('.bars tbody tr').evaluateAll((rows) =>
      rows.map((row) => {
        const [label, value] = ['th', 'data'].map((tag) => row.querySelector(tag)!);
        return [label!.textContent, Number(value!.getAttribute('value'))] as const;
      }),
    );
    expectNear(Object.fromEntries(found), expected);
    // Until every form is made, the page asks the server whether it is.
    expect(requests.filter((line) => line !== `GET ${url}/v1/models 0`)).toEqual([]);
  });

  it('is not offered for a recipe that no graph can do, with the stage that prevents it', async () => {
    await opened();
    await page.selectOption('#model', 'trimmed');
    const note = page.locator('#place-note', { hasText: 'On this device is not possible' });
    await note.waitFor();
    await expect(note.innerText()).resolves.toContain('stage speech: trim leaves a different length of each recording');
    expect(await page.locator('#on-device').isDisabled()).toBe(true);
  });

  it('runs in the page of docs/how-to/embed.md, followed to the letter', async () => {
    const text = readFileSync(fileURLToPath(new URL('../docs/how-to/embed.md', import.meta.url)), 'utf8');
    const [commands] = blocks(text, 'sh');
    const [html] = blocks(text, 'html');
    expect(html!.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
    followed(commands!);
    writeFileSync(join(project.root, 'site', 'index.html'), html!);
    const site = await fileServer(join(project.root, 'site'));
    const { port } = site.address() as AddressInfo;
    const complaints: string[] = [];
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    try {
      await page.goto(`http://127.0.0.1:${port}`);
      await page.locator('pre', { hasText: 'Ready.' }).waitFor();
      const buffer = Buffer.from(voice(16_000));
      await page.setInputFiles('input', { name: 'voice.wav', mimeType: 'audio/wav', buffer });
      const out = page.locator('pre', { hasText: 'calm 0.' });
      await out.waitFor();
      const given = await out.innerText();
      const found = given.split('\n').map((line) => line.split(' '));
      expectNear(
        Object.fromEntries(found.map(([label, value]) => [label!, Number(value)])),
        await fromServer('mfcc-forest', 16_000),
      );
      await page.evaluate('out = document.querySelector("pre"), out.textContent = ""');
      await page.click('button');
      await out.waitFor({ timeout: 20_000 });
      expect(complaints).toEqual([]);
    } finally {
      site.close();
    }
  });
});

function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);
}

/** Runs commands in the project, where `npx prosodia` is that of the project. */
function followed(commands: string): void {
  const bin = join(project.root, 'bin');
  mkdirSync(bin);
  const command = join(project.root, 'libs/cli/bin/prosodia.mjs');
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${command}' "$@"\n`);
  chmodSync(join(bin, 'npx'), 0o755);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const { status, stderr } = spawnSync('bash', ['-e', '-c', commands], { cwd: project.root, env, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

const MEDIA: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Serves a folder, as `python3 -m http.server` does. */
async function fileServer(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url!.slice(1);
    try {
      const bytes = readFileSync(join(folder, name));
      response.setHeader('content-type', MEDIA[extname(name)] ?? 'application/octet-stream');
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
