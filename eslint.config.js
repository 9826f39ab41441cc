/**
 * Lint rules, and the dependency rule of the house:
 * core <- onnx, wasm <- tables, audio, dsp, nn, forest, stats, plots <- stages; core <- runner <- server <- cli; audio <- server.
 * The table below is that rule; everything not listed may not be imported.
 */
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Tools that libraries share. */
const tools = ['onnx', 'wasm'];
const libraries = ['tables', 'audio', 'dsp', 'nn', 'forest', 'stats', 'plots'];

/** What the sources in each folder may import of ours. */
const mayImport = {
  'libs/core': [],
  ...Object.fromEntries(tools.map((name) => [`libs/${name}`, ['core']])),
  ...Object.fromEntries(libraries.map((name) => [`libs/${name}`, ['core', ...tools]])),
  'libs/runner': ['core'],
  'libs/server': ['core', 'audio', 'runner'],
  'libs/cli': ['core', 'runner', 'server'],
  'libs/nx-plugin': [],
  stages: ['core', ...libraries],
};

const packages = ['core', ...tools, ...libraries, 'runner', 'server', 'cli', 'nx-plugin'];

const dependencyRule = Object.entries(mayImport).map(([folder, allowed]) => ({
  files: [`${folder}/**/*.ts`],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: packages.filter((name) => !allowed.includes(name)).map((name) => `@prosodia/${name}`),
            message: `${folder} may import only: ${allowed.map((name) => `@prosodia/${name}`).join(', ') || 'nothing of ours'}.`,
          },
          { group: ['@prosodia/*/*'], message: "A package's index.ts is its whole public face." },
          { group: ['**/libs/**', '**/stages/**'], message: 'Import another package by its name, not by a path.' },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['node_modules', '.types', '.nx', 'artifacts', 'data'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  ...dependencyRule,
);
