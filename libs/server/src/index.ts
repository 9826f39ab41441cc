/** Predictions over HTTP and WebSocket. */
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export { type Log, type RequestLine, logTo } from './log.ts';
export type { ModelSource } from './messages.ts';
export type { ModelRequest, ServedModel } from './models.ts';
export { isBundle } from './open-model.ts';
export { type RunningServer, type ServerOptions, startServer } from './server.ts';
