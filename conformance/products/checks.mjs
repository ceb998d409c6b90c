// Runs Apollo's compatibility tests, as they are, against the products and the gateway at the given addresses.
// Writes JSON: for each test what it is of, its title, whether it passed, and how it failed.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import jest from 'jest';

[process.env.PRODUCTS_URL, process.env.ROUTER_URL] = process.argv.slice(2);
const tests = createRequire(import.meta.url).resolve('@apollo/federation-subgraph-compatibility-tests').replace(/index\.js$/, 'tests');
const config = {
  rootDir: tests,
  testEnvironment: 'node',
  testPathIgnorePatterns: [],
  haste: { retainAllFiles: true }, // they are below node_modules
  moduleNameMapper: { '^make-fetch-happen$': fileURLToPath(new URL('fetch.cjs', import.meta.url)) },
};
const { results } = await jest.runCLI({ config: JSON.stringify(config), runInBand: true, cache: false, silent: true, reporters: [] }, [tests]);
const told = results.testResults.flatMap((suite) => [
  ...(suite.testExecError ? [{ of: suite.testFilePath, title: '', passed: false, failures: [suite.testExecError.message] }] : []),
  ...suite.testResults.map((it) => ({ of: it.ancestorTitles[0] ?? it.title, title: it.title, passed: it.status === 'passed', failures: it.failureMessages })),
]);
console.log(JSON.stringify(told));
