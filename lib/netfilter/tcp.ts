import { tcpWindow } from "../packet/emit.js";
import type { Tcp } from "../packet/packet.js";
import type { ConntrackTimeouts } from "./ruleset.js";

const names = [
  "NONE",
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "CLOSE_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
  "CLOSE",
  "SYN_SENT2",
] as const;

const maxRetransmissions = 3;

const none = 0;
const synSent = 1;
const synRecv = 2;
const established = 3;
const finWait = 4;
const closeWait = 5;
const lastAck = 6;
const timeWait = 7;
const close = 8;
const synSent2 = 9;
/** Let through without a change of state: the tracker may be the one that is wrong. */
const ignore = 10;
const invalid = 11;

/** What a segment is to the tracker: its strongest flag. */
type Kind = "syn" | "synack" | "fin" | "ack" | "rst";

const same = [none, synSent, synRecv, established, finWait, closeWait, lastAck, timeWait, close, synSent2];
const all = (state: number, except: Readonly<Record<number, number>>): readonly number[] =>
  same.map(from => except[from] ?? state);
/** What closing does is the same in both directions. */
const closing = {
  fin: all(invalid, {
    [synRecv]: finWait,
    [established]: finWait,
    [finWait]: lastAck,
    [closeWait]: lastAck,
    [lastAck]: lastAck,
    [timeWait]: timeWait,
    [close]: close,
  }),
  rst: all(close, { [none]: invalid }),
};
const acknowledged = {
  [finWait]: closeWait,
  [closeWait]: closeWait,
  [lastAck]: timeWait,
  [timeWait]: timeWait,
  [close]: close,
  [established]: established,
};

/** The next state by direction (who opened, who answered), segment and state, as Linux has it in nf_conntrack_proto_tcp.c. */
const transitions: readonly [Readonly<Record<Kind, readonly number[]>>, Readonly<Record<Kind, readonly number[]>>] = [
  {
    ...closing,
    syn: all(ignore, {
      [none]: synSent,
      [synSent]: synSent,
      [timeWait]: synSent,
      [close]: synSent,
      [synSent2]: synSent2,
    }),
    synack: all(invalid, { [synRecv]: synRecv, [synSent2]: synRecv }),
    ack: all(invalid, { ...acknowledged, [none]: established, [synRecv]: established }),
  },
  {
    ...closing,
    syn: all(invalid, { [synSent]: synSent2, [synSent2]: synSent2, [timeWait]: synSent }),
    synack: all(ignore, { [none]: invalid, [synSent]: synRecv, [synSent2]: synRecv }),
    ack: all(invalid, { ...acknowledged, [synSent]: ignore, [synSent2]: ignore, [synRecv]: synRecv }),
  },
];

/** What one end has sent, and may send. Numbers are signed 32-bit, compared by their difference. */
class Side {
  /** The end of what it has sent. */
  end = 0;
  /** The end of what the other end's window lets it send. */
  maxEnd = 0;
  /** The largest window that it has offered; 0 as long as it has not been heard. */
  maxWindow = 0;
  /** Its connection was met midway: its windows cannot be known, so nothing is out of them. */
  liberal = false;
  maxAck = 0;
  maxAckSet = false;
  unacknowledged = false;
  closedFirst = false;
}

export class TcpTrack {
  state: number = none;
  readonly sides: [Side, Side] = [new Side(), new Side()];
  lastKind: Kind | undefined = undefined;
  lastDirection = 0;
  lastSeq = 0;
  lastAck = 0;
  lastEnd = 0;
  lastWindow = 0;
  retransmissions = 0;
  /** A SYN has come while only the last acknowledgement was missing: the other end may ask whether it is meant (RFC 5961). */
  challenged = false;
  /** Both ends have sent a SYN, so an acknowledgement of the one who answered completes the opening. */
  simultaneous = false;
}

export const tcpStateName = (track: TcpTrack): string => names[track.state]!;

/** Ends a connection; gives the seconds that it is remembered for. */
export const setClosed = (track: TcpTrack, timing: TcpTiming): number => {
  track.state = close;
  return timing.states[close]!;
};

/** Whether no more than its SYN has been seen. */
export const isOpening = (track: TcpTrack): boolean => track.state === synSent;

/** Whether a new connection may take its port: it waits out its end, and `newer` sends what an old segment cannot be taken for. */
export const isSpent = (old: TcpTrack, newer: TcpTrack): boolean =>
  old.state >= timeWait && ((newer.sides[0].end - old.sides[0].end) | 0) > 0;

/**
 * The segment's kind; undefined for flags that no sane stack sends together.
 * A FIN without ACK is among these, as the kernel has it.
 */
const kindOf = (packet: Tcp): Kind | undefined => {
  let bits = 0;
  for (const flag of packet.flags)
    bits |= flag === "SYN" ? 1 : flag === "ACK" ? 2 : flag === "FIN" ? 4 : flag === "RST" ? 8 : 0;
  switch (bits) {
    case 1:
      return "syn";
    case 3:
      return "synack";
    case 2:
      return "ack";
    case 6:
      return "fin";
    case 8:
    case 10:
      return "rst";
    default:
      return undefined;
  }
};

/** What tracking a segment came to. `timeout` in seconds; without one the connection's end stays as it is. */
export type TcpOutcome =
  | { readonly kind: "kept" }
  /** `remember`: the connection is out of step with its ends and over soon, so it is remembered for so many seconds at most. */
  | { readonly kind: "invalid"; readonly remember?: number }
  /** The connection is over and this segment opens another in its place. */
  | { readonly kind: "reopen" }
  /** It never came to be: forget it now. */
  | { readonly kind: "forget" }
  | { readonly kind: "moved"; readonly timeout: number; readonly assured: boolean };

const wrong: TcpOutcome = { kind: "invalid" };
const kept: TcpOutcome = { kind: "kept" };

/** How long a host remembers connections, in a form made for looking up. */
export interface TcpTiming {
  /** Seconds in each state. */
  readonly states: readonly number[];
  /** While data waits for its acknowledgement; while it is sent again and again. */
  readonly unacknowledged: number;
  readonly retransmitted: number;
  readonly moved: readonly TcpOutcome[];
}

export const tcpTiming = (timeouts: ConntrackTimeouts): TcpTiming => {
  const states = [
    0,
    timeouts.tcp_timeout_syn_sent,
    timeouts.tcp_timeout_syn_recv,
    timeouts.tcp_timeout_established,
    timeouts.tcp_timeout_fin_wait,
    timeouts.tcp_timeout_close_wait,
    timeouts.tcp_timeout_last_ack,
    timeouts.tcp_timeout_time_wait,
    timeouts.tcp_timeout_close,
    120, // SYN_SENT2, a SYN from both ends: no sysctl sets it
  ];
  return {
    states,
    unacknowledged: timeouts.tcp_timeout_unacknowledged,
    retransmitted: timeouts.tcp_timeout_max_retrans,
    moved: states.map((timeout): TcpOutcome => ({ kind: "moved", timeout, assured: false })),
  };
};

const segmentEnd = (packet: Tcp): number => {
  let end = packet.seq + packet.payload.length;
  for (const flag of packet.flags) if (flag === "SYN" || flag === "FIN") end++;
  return end | 0;
};

/** As Linux has it: of two numbers half of all apart, each is after the other. */
const after = (a: number, b: number): boolean => ((b - a) | 0) < 0;

/** An acknowledgement may be this far behind what the other end has sent, whatever the windows. */
const oldestAck = 66000;

/** What the first segment of a connection says of its sender: `midway` when it is no SYN. */
const begin = (side: Side, packet: Tcp, midway: boolean): void => {
  side.end = segmentEnd(packet);
  side.maxWindow = Math.max(tcpWindow(packet), 1);
  side.maxEnd = midway ? (side.end + side.maxWindow) | 0 : side.end;
};

/** A segment within the windows, one past them that is let through without a trace, or one that is not believed. */
type Fit = "fits" | "ignored" | "invalid";

/** Holds a segment against the windows and notes what it sends, acknowledges and offers. */
const follow = (track: TcpTrack, direction: 0 | 1, kind: Kind, packet: Tcp): Fit => {
  const sender = track.sides[direction];
  const receiver = track.sides[direction === 0 ? 1 : 0];
  const has = (flag: Tcp["flags"][number]) => packet.flags.includes(flag);
  const refuse = (fit: Fit): Fit => (sender.liberal ? "fits" : fit);
  const window = tcpWindow(packet);
  let seq = packet.seq | 0;
  let ack = packet.ack | 0;
  let end = segmentEnd(packet);
  if (sender.maxWindow === 0) {
    begin(sender, packet, !has("SYN"));
    if (has("SYN") && !has("ACK")) return "fits"; // both ends opened at once
    if (!has("SYN") && receiver.maxWindow === 0) receiver.end = receiver.maxEnd = ack;
    else if (!has("SYN") && ack === ((receiver.end + 1) | 0)) receiver.end = ack;
  } else if (has("SYN") && after(end, sender.end) && (track.state === synSent || track.state === synRecv)) {
    begin(sender, packet, false);
    if (direction === 1 && !has("ACK")) return "fits";
  }
  if (!has("ACK") || (has("RST") && ack === 0)) ack = receiver.end;
  if (has("RST") && seq === 0 && track.state === synSent) seq = end = sender.end;

  const ackAtMost = !after(ack, receiver.end);
  const ackRecent = after(ack, receiver.end - Math.max(sender.maxWindow, oldestAck) - 1);
  const endRecent = after(end, sender.end - receiver.maxWindow - 1);
  if (after(seq, sender.maxEnd)) {
    const excess = (end - sender.maxEnd + 1) >>> 0;
    if (receiver.maxWindow === 0 || !endRecent || !ackRecent || excess > receiver.maxWindow || !ackAtMost)
      return refuse("invalid");
    sender.end = end;
    sender.unacknowledged = true;
    return refuse("ignored");
  }
  if (!ackAtMost) return refuse("invalid");
  if ((receiver.maxWindow !== 0 && !endRecent) || !ackRecent) return refuse("ignored");

  sender.maxWindow = Math.max(sender.maxWindow, window);
  if (after(end, sender.end)) {
    sender.end = end;
    sender.unacknowledged = true;
  }
  if (has("ACK")) {
    if (!sender.maxAckSet || after(ack, sender.maxAck)) sender.maxAck = ack;
    sender.maxAckSet = true;
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd)) receiver.maxWindow += (end - sender.maxEnd) | 0;
  if (after(ack + window, receiver.maxEnd - 1)) receiver.maxEnd = (ack + Math.max(window, 1)) | 0;
  if (ack === receiver.end) receiver.unacknowledged = false;
  if (kind !== "ack") return "fits";
  if (
    track.lastDirection === direction &&
    track.lastSeq === seq &&
    track.lastAck === ack &&
    track.lastEnd === end &&
    track.lastWindow === window
  )
    track.retransmissions++;
  else {
    track.lastSeq = seq;
    track.lastAck = ack;
    track.lastEnd = end;
    track.lastWindow = window;
    track.retransmissions = 0;
  }
  return "fits";
};

/** Once an end has said goodbye any reset is believed: the ports may be in use again. */
const isEnding = (state: number): boolean => state >= finWait && state <= close;

/** Whether a reset is believed: undefined for one that is too old, else the state that it leaves behind. */
const afterReset = (track: TcpTrack, direction: 0 | 1, packet: Tcp, isAssured: boolean): number | undefined => {
  const { state } = track;
  if (isEnding(state)) return close;
  const peer = track.sides[direction ^ 1]!;
  if (!peer.maxAckSet || track.lastKind === "syn") return close;
  const seq = packet.seq | 0;
  const open = state === established && isAssured;
  if (seq === 0 && !open) return close;
  if (after(peer.maxAck, seq)) return undefined;
  if (!open || seq === peer.maxAck) return close;
  if (track.lastKind === "ack" && track.lastDirection === direction && seq === track.lastEnd) return close;
  return state;
};

/**
 * Moves a connection by one segment.
 * @param direction 0 from whoever opened it, 1 from the other end
 * @param replied whether the other end has been heard before this segment
 */
export const tcpSegment = (
  track: TcpTrack,
  direction: 0 | 1,
  packet: Tcp,
  replied: boolean,
  isAssured: boolean,
  timing: TcpTiming,
): TcpOutcome => {
  const kind = kindOf(packet);
  if (kind === undefined) return wrong;
  let before = track.state;
  let next = transitions[direction][kind][before]!;
  if (next === invalid) return wrong;
  if (before === none) {
    begin(track.sides[0], packet, next !== synSent);
    track.sides[0].liberal = track.sides[1].liberal = next !== synSent;
  }
  if (next === synSent && before >= timeWait) {
    if (
      track.sides[0].closedFirst ||
      track.sides[1].closedFirst ||
      (track.lastDirection === direction && track.lastKind === "rst")
    )
      return { kind: "reopen" };
    next = ignore;
  }
  if (next === ignore) {
    const answersIgnoredSyn =
      kind === "synack" &&
      track.lastKind === "syn" &&
      track.lastDirection !== direction &&
      (packet.ack | 0) === track.lastEnd;
    if (!answersIgnoredSyn) {
      track.lastKind = kind;
      track.lastDirection = direction;
      track.lastSeq = packet.seq | 0;
      track.lastAck = packet.ack | 0;
      track.lastEnd = segmentEnd(packet);
      track.lastWindow = tcpWindow(packet);
      if (kind === "syn" && direction === 0) {
        track.challenged = before === lastAck;
        track.simultaneous = false;
      }
      return kept;
    }
    before = synSent;
    next = synRecv;
    const asker = (track.sides[0] = new Side()); // a SYN and ACK is ignored of the one who answers only
    const { liberal } = track.sides[direction];
    track.sides[direction] = new Side();
    track.sides[direction].liberal = liberal; // the one who answers keeps it, the one who asked again does not
    asker.end = asker.maxEnd = track.lastEnd;
    asker.maxWindow = Math.max(track.lastWindow, 1);
  }
  if (next === synSent2) track.simultaneous = true;
  else if (next === synRecv && direction === 1 && kind === "ack" && track.simultaneous) next = established;
  const asksBack = kind === "ack" && track.lastKind === "syn" && track.lastDirection !== direction;
  if (asksBack && track.challenged && before === lastAck && next === timeWait) {
    track.challenged = false;
    return kept;
  }
  if (kind === "rst") {
    const state = afterReset(track, direction, packet, isAssured);
    if (state === undefined) return wrong;
    next = state;
  }
  // A reset that answers the other end's SYN, or an ACK of either which was let through, is believed as it is: it
  // acknowledges that, or, while only one SYN has been seen, goes on where an ACK said that it would.
  const answered =
    kind === "rst" &&
    next === close &&
    ((replied && track.lastKind === "syn" && track.lastDirection !== direction) ||
      (!isAssured && track.lastKind === "ack")) &&
    ((packet.ack | 0) === track.lastEnd ||
      (before === synSent && track.lastKind === "ack" && (packet.seq | 0) === track.lastAck));
  const fit = answered || (kind === "rst" && isEnding(before)) ? "fits" : follow(track, direction, kind, packet);
  if (fit === "ignored") return kept;
  if (fit === "invalid") {
    if (!isAssured || (kind !== "fin" && kind !== "rst")) return wrong;
    const seconds = track.lastDirection !== direction && (track.lastKind === "fin" || track.lastKind === "rst");
    if (seconds) return { kind: "invalid", remember: timing.unacknowledged };
    track.lastKind = kind;
    track.lastDirection = direction;
    return wrong;
  }
  track.lastKind = kind;
  track.lastDirection = direction;
  track.state = next;
  if (before !== next && next === finWait) track.sides[direction].closedFirst = true;
  if (kind === "rst") return replied ? timing.moved[close]! : { kind: "forget" };
  if (!replied && kind === "syn" && before === synSent) return kept;
  const waits = track.sides[0].unacknowledged || track.sides[1].unacknowledged || (!replied && next === established);
  let outcome = timing.moved[next]!;
  let timeout = timing.states[next]!;
  if (track.retransmissions >= maxRetransmissions && timeout > timing.retransmitted) timeout = timing.retransmitted;
  else if (waits && timeout > timing.unacknowledged) timeout = timing.unacknowledged;
  // No acknowledgement within the windows has been seen yet, or the last one offered no window.
  else if (track.lastWindow === 0 && timeout > timing.retransmitted) timeout = timing.retransmitted;
  if (timeout !== timing.states[next]) outcome = { kind: "moved", timeout, assured: false };
  const nowAssured = replied && !isAssured && next === established && (before === synRecv || before === established);
  return nowAssured && outcome.kind === "moved" ? { ...outcome, assured: true } : outcome;
};
