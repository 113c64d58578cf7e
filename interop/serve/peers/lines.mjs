// The line protocol of a peer: each line of the standard input is a command, each line of the
// standard output the answer to one. A peer prints `{}` first, when its client has flags.
//
//   {"do": "values", "context"}         all flags: {KEY: {value, variation, reason}}
//   {"do": "await", "flag", "value"}    answers once the flag has the value
//   {"do": "evaluate", "flag", "times"}
//   {"do": "identify", "context"}
//   {"do": "track", "event"}
//   {"do": "flush"}
//
// `await`, `evaluate` and `track` are for the context of the client: that of the start, or of the last
// `identify` or `values` of a client-side SDK. A peer ends with its standard input.
import { createInterface } from "node:readline";

export async function serve(answer) {
  // Ends this process after fifteen minutes, even if the driver was killed.
  setTimeout(() => process.exit(1), 900_000).unref();
  print({});
  for await (const line of createInterface({ input: process.stdin })) {
    print((await answer(JSON.parse(line))) ?? {});
  }
  process.exit(0);
}

function print(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
