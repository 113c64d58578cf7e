// Numbers of evaluations, by flag and value.

export class Counts {
  #counts = new Map();

  add(flag, value, count = 1) {
    const name = `${flag} = ${JSON.stringify(value)}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** A list that can be compared with another. */
  list() {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  total() {
    return this.list().reduce((sum, [, count]) => sum + count, 0);
  }
}
