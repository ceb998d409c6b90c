// Apollo Server with dataloader and pg, as its documentation puts them together: node apollo.js PORT. The database is where PG… say.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import DataLoader from "dataloader";
import pg from "pg";

// Connections are kept while the other sides have their turn.
const pool = new pg.Pool({ max: 10, idleTimeoutMillis: 0 });

const typeDefs = `#graphql
  type Depot { id: ID!, name: String! }
  type Query { depot(id: ID!): Depot }
`;
const resolvers = { Query: { depot: (_, { id }, { depots }) => depots.load(id) } };

async function depotsById(ids) {
  const { rows } = await pool.query({ name: "depots", text: "SELECT id, name FROM depot WHERE id = ANY($1::uuid[])", values: [ids] });
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}

const server = new ApolloServer({ typeDefs, resolvers, introspection: false });
await startStandaloneServer(server, {
  listen: { port: Number(process.argv[2]), host: "127.0.0.1" },
  context: async () => ({ depots: new DataLoader(depotsById) }),
});
