import { expect, it } from 'vitest';
import { openFile, openerFor } from './open-file.ts';

it('has an opener on each platform, and none where nobody would see the file', async () => {
  expect(openerFor({}, 'darwin')).toEqual(['open']);
  expect(openerFor({}, 'win32')?.[0]).toBe('cmd');
  expect(openerFor({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toEqual(['xdg-open']);
  expect(openerFor({}, 'linux')).toBeUndefined();
  expect(await openFile('a.png', {}, 'linux')).toBe(false);
});
