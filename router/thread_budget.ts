// Threads of all sessions of a page together stay within the cores. A session always gets one.
export interface ThreadClaim {
  // Threads granted.
  readonly threads: number;
  // Asks for another number instead.
  change(wanted: number, forced: boolean): void;
  release(): void;
}

export class ThreadBudget {
  readonly #cores: number;
  #used = 0;

  constructor(cores: number) {
    this.#cores = cores;
  }

  // `forced` takes what it asks for.
  claim(wanted: number, forced: boolean): ThreadClaim {
    let held = 0;
    let open = true;
    const change = (next: number, force: boolean) => {
      if (!open) return;
      this.#used -= held;
      held = force ? next : Math.max(1, Math.min(next, this.#cores - this.#used));
      this.#used += held;
    };
    change(wanted, forced);
    return {
      get threads() {
        return held;
      },
      change,
      release: () => {
        if (open) this.#used -= held;
        open = false;
      },
    };
  }
}

let page: ThreadBudget | undefined;

export function pageThreadBudget(cores: number): ThreadBudget {
  page ??= new ThreadBudget(cores);
  return page;
}
