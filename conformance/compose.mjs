// Composes subgraphs with Apollo's composition, The Guild's and WunderGraph's (the one in wgc).
// stdin: [{name, url, sdl}]; stdout: {apollo, guild, wundergraph}, each {errors, hints, supergraph, api}: the supergraph's SDL, and that of what its
// clients see; WunderGraph's supergraph is wgc's to write.
import { readFileSync } from 'node:fs';
import { composeServices as apollo } from '@apollo/composition';
import { Supergraph } from '@apollo/federation-internals';
import { composeServices as guild, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } from '@wundergraph/composition';
import { buildASTSchema, lexicographicSortSchema, parse, printSchema } from 'graphql';

const LINK = /(https:\/\/specs\.apollo\.dev\/federation\/v2)\.(\d+)/;
const subgraphs = JSON.parse(readFileSync(0, 'utf8'));

const services = (linked) =>
  subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl.replace(LINK, (_, base, minor) => `${base}.${Math.min(minor, linked)}`)) }));
const told = ({ errors = [], hints = [], supergraphSdl }, apiOf) => ({
  errors: errors.map((it) => it.message),
  hints: hints.map((it) => `${it.definition?.code ?? it.code}: ${it.message}`),
  supergraph: supergraphSdl,
  api: supergraphSdl && printSchema(lexicographicSortSchema(apiOf(supergraphSdl))),
});

// The Guild's refuses a @link above what it knows, though nothing of ours needs more: it is given the highest that it takes.
const takes = (minor) => {
  const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.${minor}", import: ["@key"]) type Query { a: Int }`;
  return !guild([{ name: 'a', url: 'http://a', typeDefs: parse(sdl) }]).errors;
};
let linked = 99;
while (!takes(linked)) linked -= 1;

const wundergraph = federateSubgraphs({
  subgraphs: subgraphs.map(({ name, url, sdl }) => ({ name, url, definitions: parse(sdl) })),
  version: ROUTER_COMPATIBILITY_VERSION_ONE,
});

console.log(
  JSON.stringify({
    apollo: told(apollo(services(99)), (it) => Supergraph.buildForTests(it).apiSchema().toGraphQLJSSchema()),
    guild: { ...told(guild(services(linked)), (it) => buildASTSchema(transformSupergraphToPublicSchema(parse(it)))), linked: `v2.${linked}` },
    wundergraph: told({ errors: wundergraph.errors, hints: wundergraph.warnings }),
  }),
);
