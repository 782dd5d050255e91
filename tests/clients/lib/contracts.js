/** Compiles contracts with solc, their imports taken from node_modules. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import solc from 'solc';

const require = createRequire(import.meta.url);

let compiled;

/** ABI and creation code of `contracts/Coin.sol`. */
export function coin() {
  compiled ??= compile(new URL('../contracts/', import.meta.url), 'Coin.sol', 'Coin');
  return compiled;
}

/** ABI and creation code of one contract of a file in a folder, given as URL. */
export function compile(folder, file, name) {
  const source = readFileSync(new URL(file, folder), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: source } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const find = (path) => {
    try {
      return { contents: readFileSync(require.resolve(path), 'utf8') };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join('\n'));
  const contract = output.contracts[file][name];
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}
