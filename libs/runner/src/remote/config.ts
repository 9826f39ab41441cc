/** Where the shared cache is: from `prosodia.yaml` in the root, and the environment, which goes first. Secrets come from the environment alone. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { RequestError } from '@prosodia/core';

export interface RemoteConfig {
  /** `http(s)://...` for the protocol of Nx, `s3://bucket/prefix` for S3. */
  url: URL;
  readOnly: boolean;
  /** Stages whose results are never uploaded. */
  exclude: readonly string[];
  /** Without a byte for so long, a request is given up. */
  timeoutMs: number;
  /** How long a run waits at its end for uploads that are under way. */
  drainMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const KEYS = ['url', 'mode', 'exclude', 'timeout', 'finish'];

/**
 * @returns undefined if there is no shared cache
 * @throws RequestError
 */
export function remoteConfig(root: string, env: Environment): RemoteConfig | undefined {
  const file = readFile(join(root, 'prosodia.yaml'));
  const address = env['PROSODIA_REMOTE'] ?? file['url'];
  if (address === undefined || address === '' || address === 'off') return undefined;
  const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !['http:', 'https:', 's3:'].includes(url.protocol)) {
    throw wrong('the address of the shared cache', 'https://host/path or s3://bucket/prefix', address);
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong(
      'the address of the shared cache',
      'no user and no password; tokens come from the environment',
      url.host,
    );
  }
  const mode = env['PROSODIA_REMOTE_MODE'] ?? file['mode'] ?? 'read-write';
  if (mode !== 'read-write' && mode !== 'read-only') throw wrong('the mode', 'read-write or read-only', mode);
  const exclude = file['exclude'] ?? [];
  if (!Array.isArray(exclude) || !exclude.every((name) => typeof name === 'string')) {
    throw wrong('exclude', 'a list of stage names', exclude);
  }
  const timeout = seconds('timeout', env['PROSODIA_REMOTE_TIMEOUT'] ?? file['timeout'] ?? 10);
  const finish = seconds('finish', file['finish'] ?? 30);
  return { url, readOnly: mode === 'read-only', exclude, timeoutMs: timeout * 1000, drainMs: finish * 1000 };
}

function readFile(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  const content = (parse(readFileSync(path, 'utf8')) ?? {}) as { remote?: unknown };
  const remote = content.remote ?? {};
  if (typeof remote !== 'object') throw wrong('remote', `a map with ${KEYS.join(', ')}`, remote);
  const odd = Object.keys(remote).find((key) => !KEYS.includes(key));
  if (odd !== undefined) {
    const hint = /token|key|secret/i.test(odd) ? ' (secrets come from the environment)' : '';
    throw wrong('remote', `only ${KEYS.join(', ')}${hint}`, odd);
  }
  return remote as Record<string, unknown>;
}

function seconds(name: string, value: unknown): number {
  const number = Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw wrong(name, 'seconds above 0', value);
}

function wrong(what: string, expected: string, got: unknown): RequestError {
  return new RequestError({
    problem: `${what} of the shared cache cannot be used`.replace('of the shared cache of', 'of'),
    expected,
    got: typeof got === 'string' ? got : JSON.stringify(got),
    where: 'prosodia.yaml, remote, or PROSODIA_REMOTE',
  });
}
