/** What Prometheus may scrape. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is asked for when it is scraped. */
export interface Gauges {
  queued(): number;
  running(): number;
  threads(): number;
  streams(): number;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #latency: Histogram<'route'>;
  readonly #inference: Histogram<'model'>;
  readonly #audio: Counter<'model'>;
  readonly #deaths: Counter;

  constructor(gauges: Gauges) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'prosodia_http_requests_total',
      help: 'Requests by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'prosodia_http_request_seconds',
      help: 'From the headers of a request to the end of its answer.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.#inference = new Histogram({
      name: 'prosodia_inference_seconds',
      help: 'Time that a thread took for a job, decoding and features included.',
      labelNames: ['model'],
      buckets: SECONDS,
      registers,
    });
    this.#audio = new Counter({
      name: 'prosodia_audio_seconds_total',
      help: 'Seconds of audio predicted.',
      labelNames: ['model'],
      registers,
    });
    this.#deaths = new Counter({
      name: 'prosodia_thread_deaths_total',
      help: 'Threads that died and were replaced.',
      registers,
    });
    const now: [name: string, help: string, value: () => number][] = [
      ['prosodia_queue_length', 'Predictions that wait for a thread.', gauges.queued],
      ['prosodia_running', 'Predictions that a thread works at.', gauges.running],
      ['prosodia_threads', 'Threads that have loaded the models.', gauges.threads],
      ['prosodia_streams', 'Open WebSocket streams.', gauges.streams],
      ['process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss()],
      ['process_cpu_seconds_total', 'Processor time of the process.', () => process.cpuUsage().user / 1e6],
    ];
    for (const [name, help, value] of now) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    }
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#latency.observe({ route }, seconds);
  }

  prediction(model: string, seconds: number, audio_s: number): void {
    this.#inference.observe({ model }, seconds);
    this.#audio.inc({ model }, audio_s);
  }

  death(): void {
    this.#deaths.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
