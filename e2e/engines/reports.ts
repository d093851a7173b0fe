// What pages that drive themselves post to the test server: POST /report/<run>, one Report as JSON.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../../tools/server.mjs';

export interface Report {
  readonly step: string;
  /** 'begin' says what the page does next; the other two end a step. */
  readonly state: 'begin' | 'done' | 'failed';
  readonly result?: unknown;
  readonly failure?: string;
}

const inboxes = new Map<string, (report: Report) => void>();

export async function answerReport({
  path,
  request,
}: {
  path: string;
  request: IncomingMessage;
}): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const deliver = inboxes.get(path.slice('/report/'.length));
  deliver?.(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Report);
  return { body: '', status: deliver ? 204 : 404 };
}

/** The reports of one visit. */
export class Inbox {
  readonly run = randomUUID();
  readonly #reports: Report[] = [];
  #wake: () => void = () => undefined;

  constructor() {
    inboxes.set(this.run, (report) => {
      this.#reports.push(report);
      this.#wake();
    });
  }

  close(): void {
    inboxes.delete(this.run);
  }

  /** The result of a step. Rejects when it failed, and after `ms` with what the page did last. */
  async result<T>(step: string, ms: number): Promise<T> {
    const end = Date.now() + ms;
    for (;;) {
      const report = this.#reports.find((each) => each.step === step && each.state !== 'begin');
      if (report?.state === 'failed') throw new Error(`${step}: ${report.failure}`);
      if (report) return report.result as T;
      if (!(await this.#next(end - Date.now()))) {
        throw new Error(`'${step}' has not ended after ${ms} ms; ${this.#last()}`);
      }
    }
  }

  /** Resolves with true on a new report, with false after `ms`. */
  #next(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #last(): string {
    const last = this.#reports.at(-1);
    return last ? `the page said last: ${last.step} ${last.state}` : 'the page has said nothing';
  }
}
