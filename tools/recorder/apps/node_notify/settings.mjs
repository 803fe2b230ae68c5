import { readFileSync } from "node:fs";

function required(env, name) {
  const value = env[name];
  if (!value) {
    throw new Error(`environment variable ${name} is required but missing`);
  }
  return value;
}

function port(env, name, otherwise) {
  const text = env[name] ?? otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new RangeError(`environment variable ${name} must be a port, got "${text}"`);
  }
  return value;
}

export function fromEnvironment(env) {
  return {
    port: port(env, "NOTIFY_PORT", "3000"),
    relay: new URL(required(env, "NOTIFY_RELAY_URL")),
    relayToken: required(env, "NOTIFY_RELAY_TOKEN"),
    spool: env.NOTIFY_SPOOL ?? "/data/spool",
    timeout: Number(env.NOTIFY_TIMEOUT_MS ?? "700"),
    templates: JSON.parse(readFileSync(required(env, "NOTIFY_TEMPLATES"), "utf8")),
  };
}
