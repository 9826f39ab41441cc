import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['libs/**/*.test.ts', 'stages/**/*.test.ts', 'tests/**/*.test.ts'],
    // Native modules (onnxruntime, duckdb) want a process of their own rather than a thread.
    pool: 'forks',
    maxWorkers: 2,
    // ONNX Runtime would report every session to its maker.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
