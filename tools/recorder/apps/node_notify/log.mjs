// One JSON object a line, levels as numbers, as many Node services log.
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

export function write(level, msg, fields = {}) {
  const { err, ...rest } = fields;
  const line = { level: LEVELS[level], time: Date.now(), pid: process.pid, name: "notify", ...rest };
  if (err) {
    line.err = { type: err.name, message: err.message, code: err.code, stack: err.stack };
    if (err.cause) {
      line.err.cause = { type: err.cause.name, message: err.cause.message, code: err.cause.code };
    }
  }
  process.stdout.write(JSON.stringify({ ...line, msg }) + "\n");
}
