/**
 * ELK in a worker of its own, made from the text that lies in the page: nothing is fetched, and a layout that takes a second stops nothing. The text is
 * read when the first chart is drawn.
 */
import type { Elk, ElkNode } from '../../../src/charts/elk-graph.js';

interface Reply {
  readonly id: number;
  readonly data?: ElkNode;
  readonly error?: { readonly message?: string };
}

interface Waiting {
  resolve(node: ElkNode): void;
  reject(error: Error): void;
}

/** Where the text of the worker lies in the page. */
const sourceId = 'elk-worker';

export class WorkerElk implements Elk {
  #worker: Worker | null = null;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();

  /** Rejects where ELK fails at the graph, or cannot run here at all. */
  layout(graph: ElkNode, options?: { layoutOptions?: Record<string, string> }): Promise<ElkNode> {
    return this.#ask({ cmd: 'layout', graph, layoutOptions: options?.layoutOptions ?? {}, options: {} });
  }

  #ask(message: object): Promise<ElkNode> {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      try {
        this.#worker ??= this.#start();
        this.#worker.postMessage({ id, ...message }, []);
      } catch (error) {
        this.#waiting.delete(id);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #start(): Worker {
    const source = document.getElementById(sourceId)?.textContent;
    if (source === null || source === undefined || source === '') throw new Error('the page was built without ELK');
    const url = URL.createObjectURL(new Blob([source.replaceAll('<\\/script', '</script')], { type: 'text/javascript' }));
    const worker = new Worker(url);
    // It is read by when the worker says its first word, or cannot.
    const release = (): void => URL.revokeObjectURL(url);
    worker.addEventListener('message', release, { once: true });
    worker.addEventListener('error', release, { once: true });
    worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.#answer(data));
    worker.addEventListener('error', ({ message }) => this.#fail(message));
    worker.postMessage({ id: -1, cmd: 'register', algorithms: ['layered'] }, []);
    return worker;
  }

  #answer({ id, data, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (data === undefined) waiting?.reject(new Error(error?.message ?? 'ELK failed without a word'));
    else waiting?.resolve(data);
  }

  #fail(message: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
    this.#worker?.terminate();
    this.#worker = null;
  }
}
