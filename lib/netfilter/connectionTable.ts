import type { ConntrackEntry } from "./netfilter.js";
import { tcpStateName } from "./tcp.js";
import { type Tracked, type Tuple, answerTo, assured, hashOf, seenReply } from "./tuple.js";

const sourceKey = (tuple: Tuple): number => ((tuple.src >>> 0) * 0x10000 + tuple.sport) * 0x20 + tuple.proto;

/** The confirmed connections, found by either tuple, by original source, and by age. The dead are buried when met. */
export class ConnectionTable {
  private buckets: (Tuple | undefined)[] = new Array<Tuple | undefined>(64).fill(undefined);
  private readonly sources = new Map<number, Tracked>();
  private oldest: Tracked | undefined = undefined;
  private newest: Tracked | undefined = undefined;
  private sweeper: Tracked | undefined = undefined;
  private size = 0;

  constructor(private readonly now: () => number) {}

  /** The table's own tuple equal to this one. */
  find(tuple: Tuple): Tuple | undefined {
    let found = this.buckets[tuple.hash & (this.buckets.length - 1)];
    while (found !== undefined && !found.equals(tuple)) found = found.next;
    return found === undefined ? undefined : this.living(found);
  }

  /** The table's tuple that the answers to a packet would have. Parts, not a tuple: the search for a port asks this most. */
  findAnswer(proto: number, src: number, sport: number, dst: number, dport: number): Tuple | undefined {
    const answer = answerTo(proto);
    let found = this.buckets[hashOf(answer, dst, dport, src, sport) & (this.buckets.length - 1)];
    while (
      found !== undefined &&
      (found.dport !== sport ||
        found.dst !== src ||
        found.src !== dst ||
        found.sport !== dport ||
        found.proto !== answer)
    )
      found = found.next;
    return found === undefined ? undefined : this.living(found);
  }

  /** The newest connection with the original source of `tuple` that `wanted` takes. */
  withSource(tuple: Tuple, wanted: (entry: Tracked) => boolean): Tracked | undefined {
    const now = this.now();
    let entry = this.sources.get(sourceKey(tuple));
    while (entry !== undefined && (entry.expires <= now || !wanted(entry))) entry = entry.sourceAfter;
    return entry;
  }

  /** Both tuples must be free. */
  insert(entry: Tracked): void {
    if (this.size * 2 >= this.buckets.length) this.grow();
    entry.originalTuple.owner = entry;
    entry.replyTuple.owner = entry;
    this.link(entry.originalTuple);
    this.link(entry.replyTuple);
    entry.older = this.newest;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
    const key = sourceKey(entry.originalTuple);
    const before = this.sources.get(key);
    entry.sourceAfter = before;
    if (before !== undefined) before.sourceBefore = entry;
    this.sources.set(key, entry);
    this.size++;
    this.sweep();
  }

  remove(entry: Tracked): void {
    if (entry.originalTuple.owner === undefined) return;
    if (this.sweeper === entry) this.sweeper = entry.newer;
    this.unlink(entry.originalTuple);
    this.unlink(entry.replyTuple);
    if (entry.older === undefined) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.newest = entry.older;
    else entry.newer.older = entry.older;
    const { sourceBefore, sourceAfter } = entry;
    if (sourceAfter !== undefined) sourceAfter.sourceBefore = sourceBefore;
    if (sourceBefore !== undefined) sourceBefore.sourceAfter = sourceAfter;
    else if (sourceAfter !== undefined) this.sources.set(sourceKey(entry.originalTuple), sourceAfter);
    else this.sources.delete(sourceKey(entry.originalTuple));
    entry.older = entry.newer = entry.sourceBefore = entry.sourceAfter = undefined;
    this.size--;
  }

  list(): ConntrackEntry[] {
    const now = this.now();
    const rows: ConntrackEntry[] = [];
    for (let entry = this.oldest; entry !== undefined; entry = entry.newer)
      if (entry.expires > now) rows.push(row(entry, now));
    return rows;
  }

  private living(tuple: Tuple): Tuple | undefined {
    const owner = tuple.owner!;
    if (owner.expires > this.now()) return tuple;
    this.remove(owner);
    return undefined;
  }

  /** Two more are looked at with every one that comes, so the dead never outnumber the living for long. */
  private sweep(): void {
    const now = this.now();
    for (let step = 0; step < 2; step++) {
      const entry = this.sweeper ?? this.oldest;
      if (entry === undefined) return;
      this.sweeper = entry.newer;
      if (entry.expires <= now) this.remove(entry);
    }
  }

  private link(tuple: Tuple): void {
    const index = tuple.hash & (this.buckets.length - 1);
    tuple.next = this.buckets[index];
    this.buckets[index] = tuple;
  }

  private unlink(tuple: Tuple): void {
    const index = tuple.hash & (this.buckets.length - 1);
    let at = this.buckets[index];
    if (at === tuple) this.buckets[index] = tuple.next;
    else {
      while (at!.next !== tuple) at = at!.next;
      at!.next = tuple.next;
    }
    tuple.next = undefined;
    tuple.owner = undefined;
  }

  private grow(): void {
    this.buckets = new Array<Tuple | undefined>(this.buckets.length * 4).fill(undefined);
    for (let entry = this.oldest; entry !== undefined; entry = entry.newer) {
      this.link(entry.originalTuple);
      this.link(entry.replyTuple);
    }
  }
}

const row = (entry: Tracked, now: number): ConntrackEntry => ({
  original: entry.original,
  reply: entry.reply,
  ...(entry.tcp === undefined ? {} : { tcpState: tcpStateName(entry.tcp) }),
  unreplied: (entry.status & seenReply) === 0,
  assured: (entry.status & assured) !== 0,
  timeout: Math.floor((entry.expires - now) / 1000),
});
