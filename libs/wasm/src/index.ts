export * from './assembler.ts';
