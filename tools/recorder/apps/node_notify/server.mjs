// A notification service: renders a template, keeps the message in a spool and hands it to a relay.
import http from "node:http";
import { appendFile, mkdir } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { write } from "./log.mjs";
import { deliver } from "./relay.mjs";
import { fromEnvironment } from "./settings.mjs";

const settings = fromEnvironment(process.env);
const history = [];
let delivered = 0;

async function body(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function render(template, values) {
  return settings.templates[template].text.replace(/\{(\w+)\}/g, (_, key) => values[key].toString());
}

async function notify(request) {
  const order = JSON.parse(await body(request));
  if (typeof order.to !== "string" || !order.to.includes("@")) {
    const error = new TypeError(`recipient is not an address: ${JSON.stringify(order.to)}`);
    error.status = 422;
    throw error;
  }
  const id = randomUUID();
  const text = render(order.template, order.values ?? {});
  await appendFile(`${settings.spool}/outgoing.ndjson`, JSON.stringify({ id, to: order.to, text }) + "\n");
  await deliver(settings, { to: order.to, text }, id);
  delivered += 1;
  write("info", "notification delivered", { id, template: order.template, chars: text.length });
  return [202, { id }];
}

async function digest(request) {
  const count = Number(new URL(request.url, "http://localhost").searchParams.get("entries"));
  for (let index = 0; index < count; index += 1) {
    history.push({ at: new Date().toISOString(), text: `entry ${history.length} `.repeat(20), parts: [index, count] });
  }
  write("info", "digest built", { entries: count, kept: history.length, heapUsedMb: Math.round(process.memoryUsage().heapUsed / 1048576) });
  return [200, { kept: history.length }];
}

// Nobody awaits the broadcast: a failure in it is an unhandled rejection.
function broadcast(request) {
  const template = new URL(request.url, "http://localhost").searchParams.get("template");
  (async () => {
    await new Promise((resolve) => setImmediate(resolve));
    write("info", "broadcast started", { template, text: render(template, { name: "all" }) });
  })();
  return [202, { status: "started" }];
}

function status() {
  return [200, { status: "ok", delivered, failed: 0, errors: [] }];
}

const ROUTES = { "POST /notify": notify, "GET /digest": digest, "POST /broadcast": broadcast, "GET /status": status };

const server = http.createServer(async (request, response) => {
  const started = process.hrtime.bigint();
  const path = request.url.split("?")[0];
  let [code, answer] = [404, { error: "not found" }];
  try {
    const route = ROUTES[`${request.method} ${path}`];
    if (route) {
      [code, answer] = await route(request);
    }
  } catch (err) {
    code = err instanceof SyntaxError ? 400 : (err.status ?? (err.name === "RelayError" ? 502 : 500));
    answer = { error: err.message };
    write(code >= 500 ? "error" : "warn", code >= 500 ? "request failed" : "request rejected", { path, err });
  }
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(answer));
  const responseTime = Number((process.hrtime.bigint() - started) / 1000n) / 1000;
  write("info", "request completed", { req: { method: request.method, url: request.url }, res: { statusCode: code }, responseTime });
});

await mkdir(settings.spool, { recursive: true });
server.listen(settings.port, "127.0.0.1", () => write("info", `listening on port ${settings.port}`, { templates: Object.keys(settings.templates).length }));
process.on("SIGTERM", () => {
  write("info", "SIGTERM received, closing", { delivered });
  server.close(() => process.exit(0));
});
