// Measured times in milliseconds, by peer and by what was measured.
export class Times {
  #found = new Map();

  add(peer, what, time) {
    const row = this.#found.get(peer) ?? new Map();
    this.#found.set(peer, row.set(what, [...(row.get(what) ?? []), time]));
  }

  max() {
    return Math.max(...[...this.#found.values()].flatMap((row) => [...row.values()].flat()));
  }

  // Prints a line for each peer, with the median and the maximum of repeated measurements.
  print() {
    const measured = ([what, times]) => {
      const sorted = times.toSorted((a, b) => a - b).map(Math.round);
      const median = sorted.length > 1 ? `p50 ${sorted[sorted.length >> 1]} ms, max ` : "";
      return `${what}: ${median}${sorted.at(-1)} ms`;
    };
    for (const [peer, row] of [...this.#found].sort()) {
      console.log(`${peer.padEnd(24)} ${[...row].map(measured).join("; ")}`);
    }
  }
}
