export * from './assembler.ts';
export { complexNumbers, keeper, type Butterfly, type Complex, type Keep } from './complex.ts';
