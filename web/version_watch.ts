// What a session does about the candidate version of its manifest: counts its runs, leaves it when it is bad, lets it
// repeat those of the stable one.
import type { ValueInfo } from '../worker/protocol.js';
import type { RolloutWatch } from '../router/rollout_watch.js';
import { Shadow, type ShadowParts } from '../router/shadow.js';
import type { RunReport, Supervisor } from '../router/supervisor.js';
import type { LocalTarget, Release, Target } from '../router/target.js';
import type { Telemetry } from './telemetry.js';

// What starts the candidate beside a session that serves the stable version.
export type ShadowPlan = Pick<ShadowParts, 'share' | 'start'> & { readonly watch: RolloutWatch };

export class VersionWatch {
  readonly #supervisor: Supervisor;
  readonly #telemetry: Telemetry | undefined;
  #watch: RolloutWatch | undefined;
  #shadow: Shadow | undefined;
  // Whether load() left the candidate's routes out.
  #mayJoin: boolean;

  constructor(supervisor: Supervisor, telemetry: Telemetry | undefined) {
    this.#supervisor = supervisor;
    this.#telemetry = telemetry;
    this.#mayJoin = !this.#knowsCandidate;
  }

  // The first one stays: it has what was counted.
  begin(watch: RolloutWatch): void {
    if (this.#watch) return;
    this.#watch = watch;
    watch.begin(
      {
        leave: (why) => {
          void this.#shadow?.end();
          if (this.#knowsCandidate) this.#supervisor.retreat(isOfCandidate, why);
        },
        onVerdict: (verdict, counts) => this.#telemetry?.verdict(watch.version, verdict, counts),
      },
      isOfCandidate(this.#supervisor.serving.target),
    );
  }

  beginShadow({ watch, ...plan }: ShadowPlan, outputs: readonly ValueInfo[]): Shadow {
    this.#shadow = new Shadow({
      ...plan,
      watch,
      isStable: () => !isOfCandidate(this.#supervisor.serving.target),
      report: (report) => this.#telemetry?.shadow(watch.version, report, outputs),
    });
    this.begin(watch);
    return this.#shadow;
  }

  observe(report: RunReport): void {
    this.#watch?.observe(report);
  }

  // Another route serves. After a swap to a candidate that load() did not choose, `routesOf` its version could too.
  arrived(routesOf: (release: Release) => readonly LocalTarget[]): void {
    const { target } = this.#supervisor.serving;
    if (this.#mayJoin && isOfCandidate(target)) {
      this.#mayJoin = false;
      this.#supervisor.admit(routesOf(target.release!));
    }
    this.#watch?.arrived(this.#supervisor.serving);
  }

  async end(): Promise<void> {
    void this.#watch?.flush();
    await this.#shadow?.end();
  }

  get #knowsCandidate(): boolean {
    return this.#supervisor.targets.some(isOfCandidate);
  }
}

const isOfCandidate = ({ release }: Target) => release?.candidate === true;
