export { Message } from './writer.ts';
