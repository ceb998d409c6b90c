// Hive Gateway over a supergraph (argv: its file). Serves on a free port of 127.0.0.1; the user's Authorization goes on to every subgraph.
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway';

const gateway = createGatewayRuntime({
  supergraph: process.argv[2],
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') ?? undefined }),
  },
  logging: 'error',
});
process.on('SIGTERM', () => process.exit());
const server = createServer(gateway).listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
