/** The state that notebooks of one process share, as it was when this was taken. */
export interface Fingerprint {
  /** Whether globals, the standard library, environment, folder and listeners are as they were and nothing is left running. */
  same(): boolean;
  /** Whether something is running that was not. */
  pending(): boolean;
  /** setTimeout as it was, whatever a notebook made of it. */
  readonly untracked: typeof setTimeout;
}

const builtins = (): readonly object[] =>
  [Object, Function, Array, String, Number, Boolean, Symbol, BigInt, Date, RegExp, Promise, Map, Set, WeakMap, Error]
    .flatMap(type => [type, type.prototype as object])
    .concat([Math, JSON, Reflect, console, globalThis]);

/** tslab's own link to the cells, set anew by each executor. */
const ofTslab = "__tslab__";

/** vega-lite gives sets a toJSON when the first chart is drawn, and needs it from then on. */
const isOfVega = (object: object, key: PropertyKey): boolean => object === Set.prototype && key === "toJSON";

type Properties = ReadonlyMap<PropertyKey, PropertyDescriptor>;

const propertiesOf = (object: object): Properties =>
  new Map(
    Reflect.ownKeys(object)
      .filter(key => key !== ofTslab && !isOfVega(object, key))
      .map(key => [key, Object.getOwnPropertyDescriptor(object, key)!]),
  );

/** Node replaces some globals' getters by their values on first use: an accessor that became a value is no change. */
const sameProperty = (before: PropertyDescriptor | undefined, after: PropertyDescriptor): boolean =>
  before !== undefined &&
  (before.get !== undefined
    ? after.get === undefined || after.get === before.get
    : Object.is(before.value, after.value));

const sameProperties = (before: Properties, after: Properties): boolean =>
  before.size === after.size && [...after].every(([key, property]) => sameProperty(before.get(key), property));

/** Kinds of things that a cell leaves running; the compiler's file watchers and closing files come and go by themselves. */
const running = (): number =>
  process.getActiveResourcesInfo().filter(kind => /^(Timeout|TCP|UDP|TLS|HTTP|Process|Worker|MessagePort)/.test(kind))
    .length;

const surroundings = (): string =>
  JSON.stringify([
    process.cwd(),
    Object.entries(process.env).sort(),
    process
      .eventNames()
      .map(event => [String(event), process.listenerCount(event)])
      .sort(),
  ]);

/** Takes the present state of the process. */
export const fingerprint = (): Fingerprint => {
  const objects = builtins();
  const properties = objects.map(propertiesOf);
  const around = surroundings();
  const alive = running();
  const pending = () => running() > alive;
  return {
    pending,
    same: () =>
      !pending() &&
      surroundings() === around &&
      objects.every((object, i) => sameProperties(properties[i]!, propertiesOf(object))),
    untracked: setTimeout,
  };
};
