/** The Python side of these benches: `peer.py` in a process whose libraries have one thread each, asked line by line. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Answer {
  /** Per clip. */
  seconds: number;
  sum: number;
  /** What it is, with its version. */
  peer: string;
}

export interface Peer {
  /** @param request what to compute and on how many clips, as `peer.py` documents it */
  ask(request: string): Promise<Answer>;
  end(): void;
}

/** The interpreter that PYTHON names (default python3). Ends the process, which is no failure, if it lacks a module. */
export function pythonWith(modules: string): string {
  const python = process.env['PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', `import ${modules}`]).status === 0) return python;
  console.error(`skipped: ${python} has no ${modules} (set PYTHON to an interpreter that has)`);
  process.exit(0);
}

/** @param file clips as float32, one after another, each of `length` samples */
export function startPeer(python: string, file: string, length: number, sampleRate: number): Peer {
  const one = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', NUMBA_NUM_THREADS: '1' };
  // numba's cache beside librosa crashes when another version of numba filled it, so it gets a place of its own.
  const cache = fileURLToPath(new URL('../../node_modules/.cache/prosodia/numba', import.meta.url));
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const child = spawn(python, [script, file, String(length), String(sampleRate)], {
    env: { ...process.env, ...one, NUMBA_CACHE_DIR: cache },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(request) {
      child.stdin.write(`${request}\n`);
      const { value } = (await answers.next()) as { value?: string };
      if (value === undefined) throw new Error('the peer ended early');
      return JSON.parse(value) as Answer;
    },
    end: () => void child.stdin.end(),
  };
}
