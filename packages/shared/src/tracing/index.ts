export * from './config.js';
export * from './trace-book.js';
export * from './tracing.js';
