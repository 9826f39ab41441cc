/** The examples of "Signature Calculations for the Authorization Header" in the Amazon S3 API reference. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EMPTY_SHA256, signed } from './sigv4.ts';

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const NOW = new Date('2013-05-24T00:00:00Z');
const HOST = 'https://examplebucket.s3.amazonaws.com';

describe('AWS Signature Version 4', () => {
  it.each([
    [
      'GET',
      '/test.txt',
      { range: 'bytes=0-9' },
      '',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PUT',
      '/test$file.text',
      { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      'Welcome to Amazon S3.',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    ['GET', '/?lifecycle', {}, '', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['GET', '/?max-keys=2&prefix=J', {}, '', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ] as const)('signs %s %s as published', (method, path, headers, body, signature) => {
    const bodySha256 = body === '' ? EMPTY_SHA256 : createHash('sha256').update(body).digest('hex');
    const { authorization } = signed(
      { method, url: new URL(path, HOST), headers: { ...headers }, bodySha256 },
      CREDENTIALS,
      'us-east-1',
      NOW,
    );
    expect(authorization).toContain(`Signature=${signature}`);
  });

  it('signs the token of a session', () => {
    const request = { method: 'GET', url: new URL('/x', HOST), headers: {}, bodySha256: EMPTY_SHA256 };
    const headers = signed(request, { ...CREDENTIALS, sessionToken: 'tok' }, 'us-east-1', NOW);
    expect(headers).toMatchObject({ 'x-amz-security-token': 'tok' });
    expect(headers['authorization']).toContain('x-amz-date;x-amz-security-token,');
  });
});
