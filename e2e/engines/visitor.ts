// A browser engine on a page that drives itself, and what the page reports.
import type { Browser } from '@playwright/test';
import type { Server } from '../../tools/server.mjs';
import type { Engine } from './browsers';
import type { Running } from './browser_process';
import { Inbox } from './reports';

const STEP_MS = 90_000;

interface Start {
  readonly url: string;
  /** More of the page's query. */
  readonly query?: Readonly<Record<string, string>>;
  /** The server that takes the reports; any origin. */
  readonly reports: Server;
  readonly chromium: Browser;
}

export class Visitor {
  static async start(engine: Engine, { url, query, reports, chromium }: Start): Promise<Visitor> {
    const inbox = new Inbox();
    const search = new URLSearchParams({ reports: `${reports.url}report/${inbox.run}`, ...query });
    try {
      return new Visitor(inbox, await engine.open(`${url}?${search}`, chromium));
    } catch (error) {
      inbox.close();
      throw error;
    }
  }

  private constructor(
    readonly inbox: Inbox,
    readonly browser: Running,
  ) {}

  /** The result of a step; what the browser has printed goes with a failure. */
  async result<T>(step: string): Promise<T> {
    try {
      return await this.inbox.result<T>(step, STEP_MS);
    } catch (error) {
      if (error instanceof Error) error.message += `\n${this.browser.log()}`;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.inbox.close();
    await this.browser.close();
  }
}
