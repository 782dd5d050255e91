// Prints solc's storage layout of every contract in Layouts.sol as JSON: { contract: { storage, types } }.
// Exit code 3: solc is not installed.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const load = createRequire(new URL('../clients/package.json', import.meta.url));
let solc;
try {
  solc = load('solc');
} catch {
  console.error('solc is not installed: run npm ci in tests/clients');
  process.exit(3);
}
const content = readFileSync(new URL('Layouts.sol', import.meta.url), 'utf8');
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: 'Solidity',
      sources: { 'Layouts.sol': { content } },
      settings: { outputSelection: { '*': { '*': ['storageLayout'] } } },
    }),
  ),
);
const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join('\n'));
  process.exit(1);
}
const contracts = Object.entries(output.contracts['Layouts.sol']);
console.log(JSON.stringify(Object.fromEntries(contracts.map(([name, made]) => [name, made.storageLayout]))));
