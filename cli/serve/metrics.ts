// Counters in the text format of Prometheus: prometheus.io/docs/instrumenting/exposition_formats.
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Labels = Readonly<Record<string, string>>;

class Histogram {
  readonly #counts = SECONDS.map(() => 0);
  #sum = 0;
  #count = 0;

  add(seconds: number): void {
    SECONDS.forEach((limit, i) => {
      if (seconds <= limit) this.#counts[i]! += 1;
    });
    this.#sum += seconds;
    this.#count += 1;
  }

  lines(name: string, labels: Labels): string[] {
    const bucket = (le: string, count: number) => line(`${name}_bucket`, { ...labels, le }, count);
    return [
      ...SECONDS.map((limit, i) => bucket(String(limit), this.#counts[i]!)),
      bucket('+Inf', this.#count),
      line(`${name}_sum`, labels, this.#sum),
      line(`${name}_count`, labels, this.#count),
    ];
  }
}

export class Metrics {
  readonly #responses = new Map<number, number>();
  readonly #failures = new Map<string, { labels: Labels; count: number }>();
  /** Inferences whose body has come and whose answer has not gone. */
  running = 0;
  readonly #runs = new Map<string, { labels: Labels; histogram: Histogram }>();

  get responses(): number {
    return [...this.#responses.values()].reduce((sum, count) => sum + count, 0);
  }

  answered(status: number): void {
    this.#responses.set(status, (this.#responses.get(status) ?? 0) + 1);
  }

  /** Time from the whole body to the whole answer. */
  ran(model: string, version: string, seconds: number): void {
    const key = JSON.stringify([model, version]);
    const run = this.#runs.get(key) ?? { labels: { model, version }, histogram: new Histogram() };
    this.#runs.set(key, run);
    run.histogram.add(seconds);
  }

  failed(model: string, version: string, code: string): void {
    const key = JSON.stringify([model, version, code]);
    const failure = this.#failures.get(key) ?? { labels: { model, version, code }, count: 0 };
    this.#failures.set(key, failure);
    failure.count += 1;
  }

  text(loaded: number): string {
    return [
      '# HELP sardonyx_http_responses_total Answers by HTTP status.',
      '# TYPE sardonyx_http_responses_total counter',
      ...[...this.#responses].map(([status, count]) =>
        line('sardonyx_http_responses_total', { status: String(status) }, count),
      ),
      '# HELP sardonyx_inference_seconds Time of successful inferences, waiting included.',
      '# TYPE sardonyx_inference_seconds histogram',
      ...[...this.#runs.values()].flatMap(({ labels, histogram }) =>
        histogram.lines('sardonyx_inference_seconds', labels),
      ),
      '# HELP sardonyx_inference_failures_total Failed inferences by error code.',
      '# TYPE sardonyx_inference_failures_total counter',
      ...[...this.#failures.values()].map(({ labels, count }) =>
        line('sardonyx_inference_failures_total', labels, count),
      ),
      '# HELP sardonyx_inferences_running Inferences under way, waiting ones included.',
      '# TYPE sardonyx_inferences_running gauge',
      line('sardonyx_inferences_running', {}, this.running),
      '# HELP sardonyx_models_loaded Models in memory.',
      '# TYPE sardonyx_models_loaded gauge',
      line('sardonyx_models_loaded', {}, loaded),
      '',
    ].join('\n');
  }
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

const escape = (text: string) =>
  text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
