// PostGraphile 5 over the product's own tables: node postgraphile.js PORT. Where the database is, say PGHOST, PGPORT, PGUSER and PGDATABASE.
//
// It answers as the role that row-level security binds. With TENANT_PER_REQUEST the tenant is a setting of each request's transaction, which is
// how PostGraphile serves many tenants; without, it is one of the connection (PGOPTIONS), which saves that transaction.
import { createServer } from "node:http";
import { grafserv } from "postgraphile/grafserv/node";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { postgraphile } from "postgraphile";

const tenant = process.env.TENANT_PER_REQUEST;
const served = postgraphile({
  extends: [PostGraphileAmberPreset],
  // It hides relations without an index of exactly their columns; ours begin with the parent's id and leave out the tenant's.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      schemas: ["public"],
      poolConfig: { max: 10, idleTimeoutMillis: 0 }, // connections are kept while the other sides have their turn
      ...(tenant && { pgSettings: () => ({ "ampyard.tenant": tenant }) }),
    }),
  ],
  grafserv: { graphiql: false, watch: false, websockets: false },
  grafast: { explain: false },
});
const server = createServer();
await served.createServ(grafserv).addTo(server);
server.listen(Number(process.argv[2]), "127.0.0.1");
