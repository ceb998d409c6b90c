// Decodes the ftv1 trace on stdin, a JSON string, with the package that Apollo's gateway decodes it with. Writes it as JSON.
import { readFileSync } from 'node:fs';
import reports from '@apollo/usage-reporting-protobuf';

const trace = reports.Trace.decode(Buffer.from(JSON.parse(readFileSync(0, 'utf8')), 'base64'));
console.log(JSON.stringify(reports.Trace.toObject(trace, { longs: Number })));
