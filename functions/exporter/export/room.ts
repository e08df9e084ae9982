/**
 * Sessions that may be in memory at once, over all sources that are read side by side: a slice is begun only when
 * there is room for it. Slices wait for each other in the order in which they came.
 */
export class Room {
  #free: number;
  readonly #capacity: number;
  readonly #waiting: { readonly sessions: number; readonly enter: () => void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#free = capacity;
  }

  /** Runs `work` once there is room for so many sessions; more than there can ever be room for wait for all of it. */
  async run<T>(sessions: number, work: () => Promise<T>): Promise<T> {
    const taken = Math.min(sessions, this.#capacity);
    if (this.#waiting.length > 0 || taken > this.#free) {
      await new Promise<void>((enter) => this.#waiting.push({ sessions: taken, enter }));
    } else {
      this.#free -= taken;
    }
    try {
      return await work();
    } finally {
      this.#free += taken;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && next.sessions <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.sessions;
      next.enter();
    }
  }
}
