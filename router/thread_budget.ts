// Threads of all sessions of a page together stay within the cores. A session always gets one.
export class ThreadBudget {
  readonly #cores: number;
  #used = 0;

  constructor(cores: number) {
    this.#cores = cores;
  }

  // `forced` takes what it asks for.
  claim(wanted: number, forced: boolean): { threads: number; release(): void } {
    const threads = forced ? wanted : Math.max(1, Math.min(wanted, this.#cores - this.#used));
    this.#used += threads;
    let held = true;
    return {
      threads,
      release: () => {
        if (held) this.#used -= threads;
        held = false;
      },
    };
  }
}

let page: ThreadBudget | undefined;

export function pageThreadBudget(cores: number): ThreadBudget {
  page ??= new ThreadBudget(cores);
  return page;
}
