/** Who may ask: the token, and pages of which origin. Headers that keep the page to itself. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from './problem.ts';

/** WebSocket subprotocol that is spoken; a token may follow as `bearer.<token>`, for browsers can set no header. */
export const SUBPROTOCOL = 'prosodia.v1';

const BEARER = /^Bearer +(\S+)$/i;

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
};

/** @throws Problem if a token is wanted and the request does not have it */
export function requireToken(token: string | undefined, headers: IncomingHttpHeaders): void {
  if (token === undefined) return;
  const protocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((own) => own.trim());
  const given =
    BEARER.exec(headers.authorization ?? '')?.[1] ??
    protocols.find((own) => own.startsWith('bearer.'))?.slice('bearer.'.length);
  if (given !== undefined && sameText(given, token)) return;
  throw new Problem(
    'unauthorized',
    given === undefined ? 'the request has no token' : 'the token is not the right one',
    {
      fix: 'send the header Authorization: Bearer TOKEN, with the token that the server was started with',
      headers: { 'www-authenticate': 'Bearer' },
    },
  );
}

/** In a time that does not tell how much of it was right. */
function sameText(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(x!, y!);
}

/**
 * Refuses pages of other sites: a browser sends their requests, and their WebSockets, to this machine too. On a
 * loopback address, a name that only pretends to be this machine (DNS rebinding) is refused as well.
 * @throws Problem
 */
export function requireOwnOrigin(headers: IncomingHttpHeaders, loopback: boolean): void {
  const { origin, host } = headers;
  if (loopback && host !== undefined && !isLoopback(hostName(host))) {
    throw new Problem('other-origin', 'the request is for another host', {
      fix: 'ask for 127.0.0.1 or localhost',
    });
  }
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new Problem('other-origin', 'the request comes from a page of another origin', {
    fix: 'open the page of this server, or ask from a program',
  });
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
