// Drives a real client through steps. Reads {transport: "ws" | "sse", url, credentials, steps} from stdin; writes {steps, events}.
//
// Each connection takes the next of the credentials, and then keeps to the last. A step is {query, variables, take, pause_s} and gives
// {results, error}: it pauses, runs the operation, and ends it after `take` results where told. A list of steps runs side by side.
// Of the results data and errors are told, not the extensions.
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient as createEventSource } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';

const { transport, url, credentials, steps } = await json(process.stdin);
const events = { connected: 0, pings: 0, pongs: 0, closed: [] };
let connections = 0;
const headers = () => ({ authorization: credentials[Math.min(connections++, credentials.length - 1)] });

const makers = {
  ws: () =>
    createSocket({
      url,
      connectionParams: headers,
      keepAlive: 50,
      lazyCloseTimeout: 500,
      retryAttempts: credentials.length - 1,
      retryWait: async () => {},
      on: {
        connected: () => (events.connected += 1),
        ping: (received) => (events.pings += received ? 0 : 1),
        pong: (received) => (events.pongs += received ? 1 : 0),
        closed: ({ code, reason }) => events.closed.push([code, reason]),
      },
    }),
  sse: () =>
    createEventSource({
      url,
      headers,
      retryAttempts: credentials.length - 1,
      retry: async () => {},
      on: { connected: () => (events.connected += 1) },
    }),
};
const client = makers[transport]();

async function run({ query, variables, take = Infinity, pause_s = 0 }) {
  const results = [];
  await pause(pause_s * 1000);
  try {
    for await (const { data, errors } of client.iterate({ query, variables })) {
      results.push({ data, errors });
      if (results.length >= take) break;
    }
  } catch (error) {
    if (Array.isArray(error)) return { results, error };
    return { results, error: { code: error.code, reason: error.reason, status: error.response?.status } };
  }
  return { results, error: null };
}

const told = [];
for (const step of steps) told.push(await (Array.isArray(step) ? Promise.all(step.map(run)) : run(step)));
await client.dispose();
console.log(JSON.stringify({ steps: told, events }));
