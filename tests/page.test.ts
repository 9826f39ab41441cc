/** The page in a real browser, with a microphone that hears a synthesized file. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';
import { type RunningServer, logTo, startServer } from '@prosodia/server';
import type { Browser, Page } from 'playwright-core';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BROWSER, SKIPPED, launchBrowser } from './support/browser.ts';
import { PageModel } from './support/page-model.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Screenshots, for a look by eye. */
const SHOTS = process.env['PAGE_SHOTS'];

/** Syllables: bursts of a harmonic tone, loud in the second half. */
function speech(seconds: number, rate = 16_000): Float32Array {
  const rng = new Rng(1, 'page');
  return Float32Array.from({ length: seconds * rate }, (_, i) => {
    const t = i / rate;
    const loud = t > seconds / 2 ? 0.5 : 0.08;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 3 * t));
    const tone = [1, 2, 3, 5, 9].reduce((sum, h) => sum + Math.sin(2 * Math.PI * 180 * h * t) / h, 0);
    return loud * syllable * tone * 0.6 + 0.002 * rng.normal();
  });
}

describe.skipIf(BROWSER === undefined)(`the page${SKIPPED}`, () => {
  let models: PageModel[];
  let server: RunningServer;
  let browser: Browser;
  let page: Page;
  let sound: string;
  const complaints: string[] = [];
  const requests: { method: string; url: string; bytes: number }[] = [];

  beforeAll(async () => {
    models = [new PageModel('loud', true), new PageModel('louder', false)];
    const [first, second] = models.map(({ folder, oneFile }) => ({
      source: { kind: 'bundle', folder } as const,
      oneFile,
    }));
    server = await startServer({
      models: [first!, { source: second!.source }],
      port: 0,
      limits: { threads: 1 },
      log: logTo(new PassThrough().resume(), false),
    });
    sound = join(models[0]!.folder, 'clip, one.wav');
    writeFileSync(sound, encodeWav(speech(4), 16_000));
    browser = await launchBrowser(sound);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    for (const model of models) model.remove();
  });

  beforeEach(async () => {
    const context = await browser.newContext({ acceptDownloads: true, permissions: ['microphone'] });
    page = await context.newPage();
    complaints.length = 0;
    requests.length = 0;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      requests.push({
        method: request.method(),
        url: request.url(),
        bytes: request.postDataBuffer()?.length ?? 0,
      });
    });
    page.on('websocket', (socket) => requests.push({ method: 'SOCKET', url: socket.url(), bytes: 0 }));
    await page.goto(server.url);
    await status('Ready');
  });

  afterEach(async () => {
    await page.context().close();
    const foreign = requests.filter(
      ({ url }) => !url.startsWith('blob:') && new URL(url).host !== new URL(server.url).host,
    );
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  const status = (text: string) => page.locator('#status', { hasText: text }).waitFor({ timeout: 30_000 });
  const choose = async (file = sound) => {
    await page.setInputFiles('#files', file);
    await status('The model says');
  };
  const probabilities = () => page.locator('.answer').first().locator('.bars tbody').innerText();
  const shot = async (name: string) => {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  };

  it('answers for a file: what the model says, what the number means, and when', async () => {
    await page.selectOption('#window', '1.5');
    await choose();
    await expect(page.locator('.headline').innerText()).resolves.toMatch(/^The model says (angry|calm), \d+ %$/);
    await expect(page.locator('.answer').innerText()).resolves.toContain('Calibrated');
    expect(await page.locator('.timeline li').count()).toBeGreaterThan(1);
    await page.selectOption('#threshold', '0.9');
    await status('which is uncertain');
    await expect(page.locator('.uncertain').innerText()).resolves.toContain('below the threshold of 90 %');
    await expect(page.locator('.answer').innerText()).resolves.not.toContain('Note:');
    await page.selectOption('#window', '12');
    await page.locator('.answer', { hasText: 'Note: of the longest window, only a part is heard.' }).waitFor();
  });

  it('records from the microphone and estimates while it listens', async () => {
    await page.click('#record');
    await page.locator('#live-text', { hasText: /^Now: (angry|calm|sad), / }).waitFor({ timeout: 20_000 });
    expect(requests.some(({ method, url }) => method === 'SOCKET' && url.endsWith('/v1/stream'))).toBe(true);
    await page.click('#record');
    await status('The model says');
    await expect(page.locator('#clip-title').innerText()).resolves.toMatch(/^recording-.*\.wav, \d/);
  });

  it('sends no sound once it predicts on this device, and answers as the server does', async () => {
    await choose();
    const before = await probabilities();
    await page.check('#on-device');
    await status('The model says');
    await page.locator('.answer', { hasText: 'Computed on this device' }).waitFor();
    expect(await probabilities()).toBe(before);
    requests.length = 0;
    await page.click('#record');
    await page.locator('#live-text', { hasText: /^Now: / }).waitFor({ timeout: 20_000 });
    await page.click('#record');
    await page.locator('#clip-title', { hasText: 'recording-' }).waitFor();
    await status('The model says');
    await page.click('#explain');
    await status('Explained');
    const sent = requests.filter(({ url }) => !url.startsWith('blob:'));
    expect(sent.filter(({ method, bytes }) => method !== 'GET' || bytes > 0)).toEqual([]);
    expect(sent.filter(({ url }) => url.includes('/v1/'))).toEqual([]);
  });

  it('says why a model cannot run on this device, and compares two models', async () => {
    await page.selectOption('#second', 'louder');
    await expect(page.locator('#place-note').innerText()).resolves.toContain('no one-file form of louder');
    expect(await page.locator('#on-device').isDisabled()).toBe(true);
    await choose();
    expect(await page.locator('.answer').count()).toBe(2);
    await expect(page.locator('.answer').nth(1).innerText()).resolves.toContain('Not calibrated');
  });

  it('gives corrected labels as a table that ingest reads, and the recordings', async () => {
    await choose();
    await page.fill('#emotion', 'sad');
    await page.fill('#speaker', 'ann');
    await page.click('#correct-form button');
    const [table] = await Promise.all([page.waitForEvent('download'), page.click('a[download="labels.csv"]')]);
    const lines = readFileSync(await table.path(), 'utf8');
    expect(lines).toBe('path,speaker,emotion\n"clip, one.wav",ann,sad\n');
    const [clip] = await Promise.all([page.waitForEvent('download'), page.click('#corrections td a')]);
    expect(readFileSync(await clip.path()).equals(readFileSync(sound))).toBe(true);
  });

  it('explains which parts of the sound an answer rests on, and stops when it is told to', async () => {
    await choose();
    await page.click('#explain');
    await status('Explained');
    const rows = page.locator('#explain-result tbody tr');
    expect(await rows.count()).toBeGreaterThan(0);
    // The sound is loud in its second half only: what matters most lies there, in the lowest band.
    await expect(rows.first().innerText()).resolves.toMatch(/^(2|3)\.\d s to .*\t0 to /);
    await page.route('**/v1/predict/batch', (route) =>
      new Promise((resolve) => setTimeout(resolve, 300)).then(() => route.continue()),
    );
    await page.click('#explain');
    await page.click('#explain-cancel');
    await status('cancelled');
    expect(await page.locator('#explain').isVisible()).toBe(true);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  it('says of silence, and of less than a word, that the answer means nothing', async () => {
    const quiet = (seconds: number, level: number) =>
      Buffer.from(
        encodeWav(
          Float32Array.from(speech(4).subarray(40_000, 40_000 + 16_000 * seconds), (x) => x * level),
          16_000,
        ),
      );
    for (const [name, buffer, words] of [
      ['silence.wav', quiet(1, 0), 'hardly any sound'],
      ['short.wav', quiet(0.1, 1), 'shorter than a word'],
    ] as const) {
      await page.setInputFiles('#files', { name, mimeType: 'audio/wav', buffer });
      await page.locator('#clip-title', { hasText: name }).waitFor();
      await expect(page.locator('#clip-doubts').innerText()).resolves.toContain(words);
    }
    await choose();
    expect(await page.locator('#clip-doubts').isVisible()).toBe(false);
  });

  it('says what to do when the microphone is refused', async () => {
    await page.evaluate(
      'navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"))',
    );
    await page.click('#record');
    await page.locator('#problem', { hasText: 'allow it beside the address' }).waitFor();
    await expect(page.locator('#record').innerText()).resolves.toBe('Record');
  });

  it('refuses what is no recording in words, and goes on', async () => {
    await page.setInputFiles('#files', { name: 'notes.wav', mimeType: 'audio/wav', buffer: Buffer.from('no sound') });
    await page.locator('#problem', { hasText: 'notes.wav: the browser cannot decode it' }).waitFor();
    await choose();
    expect(await page.locator('#problem').isVisible()).toBe(false);
  });

  it.each(['light', 'dark'] as const)(
    'has nothing that axe objects to in %s, wide and 360 pixels narrow',
    async (scheme) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.selectOption('#window', '1.5');
      await page.selectOption('#second', 'louder');
      await choose();
      await page.click('#explain');
      await status('Explained');
      await page.fill('#emotion', 'sad');
      await page.click('#correct-form button');
      await page.evaluate(AXE);
      for (const width of [1000, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await shot(`${scheme}-${width}`);
        const violations = await page.evaluate<string[]>(
          'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map((own) => own.target).join(" ")}`))',
        );
        expect(violations).toEqual([]);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
    },
  );

  it('can be used with the keyboard alone', async () => {
    await choose();
    await page.focus('#record');
    const reached: string[] = [];
    for (let i = 0; i < 16; i++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate<string>('document.activeElement.id'));
    }
    for (const id of ['files', 'play', 'seek', 'explain', 'emotion', 'speaker']) expect(reached).toContain(id);
    await page.focus('#explain');
    await page.keyboard.press('Enter');
    await status('Explained');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('explain');
  });
});
