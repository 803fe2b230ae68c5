import { write } from "./log.mjs";

const DELAYS = [80, 200];

export class RelayError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = "RelayError";
  }
}

// Hands a message to the relay; failures of the network and of the far side are tried again.
export async function deliver(settings, message, id) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await fetch(new URL("/v1/messages", settings.relay), {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${settings.relayToken}` },
        body: JSON.stringify(message),
        signal: AbortSignal.timeout(settings.timeout),
      });
      if (!answer.ok) {
        throw new RelayError(`relay answered ${answer.status} ${answer.statusText}: ${(await answer.text()).trim()}`);
      }
      return await answer.json();
    } catch (err) {
      if (attempt === DELAYS.length) {
        throw new RelayError(`delivery of ${id} failed after ${attempt + 1} attempts`, { cause: err.cause ?? err });
      }
      write("warn", "delivery failed, will retry", { id, attempt: attempt + 1, delayMs: DELAYS[attempt], err });
      await new Promise((resolve) => setTimeout(resolve, DELAYS[attempt]));
    }
  }
}
