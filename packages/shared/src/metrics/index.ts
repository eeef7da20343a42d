export * from './config.js';
export * from './measure-redis.js';
export * from './measure-store.js';
export * from './pace-book.js';
export * from './serve-metrics.js';
export * from './tenant-usage.js';
