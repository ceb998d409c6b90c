// Holds a server against GraphQL over HTTP. Reads {url, headers} from stdin; writes [{id, name, status, reason}].
import { json } from 'node:stream/consumers';
import { serverAudits } from 'graphql-http';

const { url, headers } = await json(process.stdin);
const fetchFn = (input, init) => fetch(input, { ...init, headers: { ...headers, ...init?.headers } });

const results = [];
for (const { id, name, fn } of serverAudits({ url, fetchFn })) {
  const { status, reason = null } = await fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
