/** Who hears which topic, by name. Names are heard as long as somebody goes by them, or is awaited. */

export class Topics {
  readonly #most: number;
  readonly #byTopic = new Map<string, Set<string>>();
  readonly #byAgent = new Map<string, Set<string>>();
  #size = 0;

  /** @param most  how many subscriptions there may be */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many subscriptions there are. */
  get size(): number {
    return this.#size;
  }

  get topics(): string[] {
    return [...this.#byTopic.keys()];
  }

  /** All who hear anything. */
  get agents(): string[] {
    return [...this.#byAgent.keys()];
  }

  /** Who hears a topic, the earliest first. */
  of(topic: string): string[] {
    return [...(this.#byTopic.get(topic) ?? [])];
  }

  has(topic: string, agent: string): boolean {
    return this.#byTopic.get(topic)?.has(agent) ?? false;
  }

  hears(agent: string): boolean {
    return this.#byAgent.has(agent);
  }

  /** @returns false where there are too many */
  add(topic: string, agent: string): boolean {
    if (this.#size >= this.#most) return false;
    put(this.#byTopic, topic, agent);
    put(this.#byAgent, agent, topic);
    this.#size++;
    return true;
  }

  /** @returns whether it was there */
  remove(topic: string, agent: string): boolean {
    if (!this.has(topic, agent)) return false;
    take(this.#byTopic, topic, agent);
    take(this.#byAgent, agent, topic);
    this.#size--;
    return true;
  }

  /** @returns what the agent heard, which it does no more */
  removeAgent(agent: string): string[] {
    const heard = [...(this.#byAgent.get(agent) ?? [])];
    for (const topic of heard) this.remove(topic, agent);
    return heard;
  }
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

function take(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
