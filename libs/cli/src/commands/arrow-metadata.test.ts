import { expect, it } from 'vitest';
import { arrowMetadata } from './arrow-metadata.ts';

it('gives nothing for what is no schema, cut short or of another kind', () => {
  for (const entry of ['', '/////w==', Buffer.from('not a schema, but long enough').toString('base64')]) {
    expect(arrowMetadata(entry)).toEqual({});
  }
});
