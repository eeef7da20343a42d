/**
 * Disables the reports of onnxruntime's Linux binary to its vendor, also where the environment asks for them.
 *
 * The library reads the process's environment when it loads, and only the main thread can set that: a
 * thread's `process.env` is a copy. So whatever loads the library, or starts a thread that does, imports this
 * first.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';

export const isTelemetryDisabled = (): boolean => process.env.ORT_DISABLE_TELEMETRY === '1';
