import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

export interface Answer {
  body: string | Uint8Array;
  type?: string;
  status?: number;
  headers?: OutgoingHttpHeaders;
}

export type Handler = (request: {
  path: string;
  url: URL;
  request: IncomingMessage;
}) => Answer | undefined | Promise<Answer | undefined>;

/** A URL prefix and the folder or function behind it. */
export type Mount = readonly [prefix: string, source: string | Handler];

export interface ServeOptions {
  /** 0 takes any free port. */
  port?: number;
  host?: string;
  /** The first mount that has the path answers. */
  mounts?: readonly Mount[];
  /** COOP and COEP on every answer, or on those for which the function returns true. */
  isolated?: boolean | ((path: string) => boolean);
  headers?: OutgoingHttpHeaders;
}

export interface Server {
  /** Ends with a slash. */
  readonly url: string;
  readonly port: number;
  /** Bytes written to all connections so far, headers included. */
  bytesSent(): number;
  close(): Promise<void>;
}

export function defaultMounts(): Mount[];
export function serve(options?: ServeOptions): Promise<Server>;
