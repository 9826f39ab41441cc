/** Shows a file to the user in whatever the platform opens such files with. */
import { spawn } from 'node:child_process';

/**
 * Opens a file without waiting for the viewer.
 * @returns false where there is no display to open it on, or no opener
 */
export function openFile(
  path: string,
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const opener = openerFor(environment, platform);
  if (!opener) return Promise.resolve(false);
  const [command, ...args] = opener;
  return new Promise((done) => {
    const child = spawn(command!, [...args, path], { detached: true, stdio: 'ignore' });
    child.once('error', () => done(false));
    child.once('spawn', () => {
      child.unref();
      done(true);
    });
  });
}

/** The command that opens a file; undefined where nobody would see it. */
export function openerFor(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['cmd', '/c', 'start', ''];
  return environment['DISPLAY'] || environment['WAYLAND_DISPLAY'] ? ['xdg-open'] : undefined;
}
