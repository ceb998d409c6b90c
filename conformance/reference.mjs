// The reference server of graphql-transport-ws, with one query and one subscription that does not end. Writes its address.
import { once } from 'node:events';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

async function* endless() {
  yield { endless: 1 };
  await new Promise(() => {});
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
useServer(
  {
    schema: buildSchema('type Query { hello: String } type Subscription { endless: Int }'),
    roots: { query: { hello: 'world' }, subscription: { endless } },
    connectionInitWaitTimeout: 1000,
  },
  server,
);
await once(server, 'listening');
console.log(`ws://127.0.0.1:${server.address().port}`);
