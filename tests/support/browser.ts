/** The browser that tests of pages use, where there is one. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

export const BROWSER = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== '' && existsSync(path));

/** For the title of what is skipped without one. */
export const SKIPPED = BROWSER === undefined ? ' (skipped: no Chromium here; name one in CHROMIUM)' : '';

/** @param sound WAV file that its microphone hears */
export function launchBrowser(sound: string): Promise<Browser> {
  return chromium.launch({
    executablePath: BROWSER!,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${sound}`,
    ],
  });
}
