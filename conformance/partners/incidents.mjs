// A partner's subgraph, on Apollo's: what went wrong at charge points. Of a charge point of ours it knows the id.
// argv: a file with {"incidents": [{id, severity, openedAt, text, chargePointId}], "unattended": [chargePointId], "broken": [chargePointId]}.
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { GraphQLError, parse } from 'graphql';

const { incidents, unattended, broken } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const newestFirst = incidents.toSorted((a, b) => b.openedAt.localeCompare(a.openedAt));

const resolvers = {
  Query: {
    incidents: (_, { severity }) => newestFirst.filter((it) => !severity || it.severity === severity),
  },
  Incident: {
    __resolveReference: ({ id }) => incidents.find((it) => it.id === id),
    chargePoint: ({ chargePointId }) => ({ id: chargePointId }),
  },
  ChargePoint: {
    __resolveReference: ({ id }) => ({ id }),
    incidents: ({ id }, { first }) => {
      if (broken.includes(id)) throw new GraphQLError('The ticket system is down.', { extensions: { code: 'TICKETS_DOWN' } });
      if (unattended.includes(id)) return null;
      const all = newestFirst.filter((it) => it.chargePointId === id);
      const edges = all.slice(0, first).map((node) => ({ node, cursor: node.id }));
      return {
        edges,
        pageInfo: {
          hasNextPage: all.length > first,
          hasPreviousPage: false,
          startCursor: edges.at(0)?.cursor,
          endCursor: edges.at(-1)?.cursor,
        },
      };
    },
  },
};

const typeDefs = parse(readFileSync(new URL('incidents.graphql', import.meta.url), 'utf8'));
const server = new ApolloServer({
  schema: buildSubgraphSchema({ typeDefs, resolvers }),
  includeStacktraceInErrorResponses: false,
  plugins: [ApolloServerPluginInlineTraceDisabled()], // else it writes a line about it before the address
});
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
console.log(url);
