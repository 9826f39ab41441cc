/** A cache server for tests, of both protocols, that can misbehave in every way. */
import { createHash } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Mischief = 'none' | 'hang' | 'trickle' | 'truncate' | 'flip' | 'refuse-writes' | 401 | 403 | 500;

/** What a client must know, and never tell. */
export const SECRET = 'open-sesame-3141';

export class CacheServer {
  readonly objects = new Map<string, Buffer>();
  /** `GET <hash>` and so on, with the status. */
  readonly log: string[] = [];
  mischief: Mischief = 'none';
  /** Requests after which the server breaks every connection. */
  diesAfter = Infinity;
  /** Also after the server has stopped. */
  #port = 0;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get environment(): Record<'nx' | 's3', Record<string, string>> {
    const address = `http://127.0.0.1:${this.#port}`;
    return {
      nx: { PROSODIA_REMOTE: address, PROSODIA_REMOTE_TOKEN: SECRET },
      s3: {
        PROSODIA_REMOTE: 's3://bucket/results',
        AWS_ENDPOINT_URL_S3: address,
        AWS_ACCESS_KEY_ID: 'me',
        AWS_SECRET_ACCESS_KEY: SECRET,
      },
    };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const hash = url.split('/').at(-1)!;
    const answer = (status: number, body?: Buffer) => {
      this.log.push(`${method} ${status}`);
      response
        .writeHead(status, body ? { 'content-length': body.length } : {})
        .end(method === 'HEAD' ? undefined : body);
    };
    if (this.log.length >= this.diesAfter) return void request.socket.destroy();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    if (this.mischief === 'hang') return void this.log.push(`${method} hangs`);
    if (typeof this.mischief === 'number') return answer(this.mischief);
    const s3 = url.startsWith('/bucket/results/');
    const permitted = s3
      ? /^AWS4-HMAC-SHA256 Credential=me\//.test(headers.authorization ?? '')
      : headers.authorization === `Bearer ${SECRET}` && url.startsWith('/v1/cache/');
    if (!permitted) return answer(401);
    const known = this.objects.get(hash);
    if (method === 'PUT') {
      if (this.mischief === 'refuse-writes') return answer(403);
      if (s3 && headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) return answer(400);
      if (Number(headers['content-length']) !== body.length) return answer(411);
      if (!s3 && known) return answer(409);
      this.objects.set(hash, body);
      return answer(s3 ? 200 : 202);
    }
    if (!known) return answer(404);
    if (this.mischief === 'flip' && method === 'GET') {
      const flipped = Buffer.from(known);
      flipped[514]! ^= 1;
      return answer(200, flipped);
    }
    if (this.mischief === 'trickle' && method === 'GET') {
      // Comes, in pieces with pauses, each shorter than the client's patience.
      this.log.push('GET trickles');
      response.writeHead(200, { 'content-length': known.length });
      const pieces = Array.from({ length: 8 }, (_, i) =>
        known.subarray(...[i, i + 1].map((n) => (n * known.length) >> 3)),
      );
      for (const piece of pieces) {
        response.write(piece);
        await sleep(10);
      }
      return void response.end();
    }
    if (this.mischief === 'truncate' && method === 'GET') {
      this.log.push('GET breaks off');
      response.writeHead(200, { 'content-length': known.length }).write(known.subarray(0, known.length / 2));
      return void setTimeout(() => request.socket.destroy(), 20);
    }
    answer(200, known);
  }
}
