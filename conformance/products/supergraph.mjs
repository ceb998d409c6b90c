// Serves the supergraph of Apollo's compatibility tests: our products, given by its address, with their users and inventory.
// Composed by @apollo/composition, served by @apollo/gateway. Writes its own address.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { composeServices } from '@apollo/composition';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { parse } from 'graphql';

const products = process.argv[2];
const theirs = new URL('../node_modules/@apollo/federation-subgraph-compatibility-tests/dist/subgraphs/', import.meta.url);

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

// Each serves when it is imported, on the port that its variable names, and sends word when it does.
const started = async (name) => {
  const port = (process.env[`${name.toUpperCase()}_PORT`] = String(await freePort()));
  const ready = new Promise((resolve) => (process.send = resolve));
  await import(new URL(`${name}/index.js`, theirs));
  await ready;
  return { name, url: `http://localhost:${port}`, typeDefs: parse(readFileSync(new URL(`${name}/${name}.graphql`, theirs), 'utf8')) };
};

const document = await fetch(products, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ _service { sdl } }' }),
});
const { sdl } = (await document.json()).data._service;

const write = console.log;
console.log = console.info = console.error; // stdout is for the address alone
const services = [{ name: 'products', url: products, typeDefs: parse(sdl) }, await started('users'), await started('inventory')];
const { errors, supergraphSdl } = composeServices(services);
if (errors) throw new Error(errors.map((it) => it.message).join('\n'));

const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl }) });
write((await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } })).url);
