// Keeps a number of workers alive and says when one is gone.
import cluster from "node:cluster";
import { write } from "./log.mjs";

if (cluster.isPrimary) {
  let stopping = false;
  for (let index = 0; index < Number(process.env.NOTIFY_WORKERS ?? "2"); index += 1) {
    cluster.fork();
  }
  cluster.on("online", (worker) => write("info", "worker online", { worker: worker.id, workerPid: worker.process.pid }));
  cluster.on("exit", (worker, code, signal) => {
    if (!stopping) {
      write("error", `worker ${worker.id} died (${signal ?? code}), starting another`, { workerPid: worker.process.pid, code, signal });
      cluster.fork();
    }
  });
  process.on("SIGTERM", () => {
    stopping = true;
    write("info", "stopping workers");
    Object.values(cluster.workers).forEach((worker) => worker.kill("SIGTERM"));
  });
} else {
  await import("./server.mjs");
}
