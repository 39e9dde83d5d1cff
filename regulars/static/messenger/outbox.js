// @ts-check
// What was said and is not answered yet: written to storage before it is sent, removed once the
// server has it. One entry each, so that tabs never overwrite one another's; one on its way is
// claimed for ten seconds, so that a second tab leaves it alone and takes it up if the first died.
// Said twice it is still heard once: the server knows its id.

/** @typedef {import("./protocol.js").Letter} Letter */

const CLAIM = 1e4;
// An unsent word is not said a week later.
const WEEK = 6048e5;
const MOST = 50;
const MOST_TEXT = 2e5;

export const uuid = () =>
  crypto.randomUUID?.() ||
  // Not offered to pages without https.
  "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1))[0] % 16).toString(16),
  );

/** @type {Record<string, string>} what storage cannot hold (full, forbidden) */
const memory = {};

/** Entries of storage under a prefix, which may be lost but never throw. @param {string} prefix */
export function shelf(prefix) {
  /** @type {Record<string, string>} */
  let storage = memory;
  try {
    storage = localStorage || memory;
  } catch {}
  return {
    names: () => [...new Set([...Object.keys(storage), ...Object.keys(memory)])].filter((name) => name.startsWith(prefix)).sort(),
    /** @param {string} name */
    get(name) {
      try {
        return JSON.parse(memory[name] ?? storage[name]);
      } catch {}
    },
    /** @param {string} name @param {unknown} value */
    set(name, value) {
      const text = JSON.stringify(value);
      delete memory[name];
      try {
        storage[name] = text;
      } catch {
        memory[name] = text;
      }
    },
    /** @param {string} name */
    drop(name) {
      delete memory[name];
      delete storage[name];
    },
  };
}

/** @param {string} prefix @param {string} scope whose words these are */
export function outbox(prefix, scope) {
  const tab = uuid();
  const start = `${prefix}out:${scope}:`;
  const store = shelf(start);
  let count = 1e4;
  /** @type {Map<string, Letter>} ids to letters, in the order they were written */
  let letters = new Map();
  /** @type {Map<string, string>} */
  let names = new Map();

  const read = () => {
    letters = new Map();
    names = new Map();
    for (const name of store.names()) {
      const letter = store.get(name)?.[1];
      if (!letter?.id || Math.abs(Date.now() - letter.at) > WEEK) {
        store.drop(name);
        continue;
      }
      letters.set(letter.id, letter);
      names.set(letter.id, name);
    }
  };
  read();

  /** @param {string} id @param {number} claimed @param {Letter} letter */
  const write = (id, claimed, letter) => {
    const name = names.get(id);
    if (name) store.set(name, [claimed, letter, tab]);
    letters.set(id, letter);
  };

  return {
    /** Another tab may have written or sent some. */
    read,
    prefix: start,
    all: () => [...letters.values()],
    /** @param {Letter} letter @returns {boolean} whether there was room */
    add(letter) {
      const size = this.all().reduce((sum, one) => sum + (one.text?.length ?? 0), letter.text?.length ?? 0);
      if (letters.size >= MOST || size > MOST_TEXT) return false;
      names.set(letter.id, start + Date.now() + count++ + tab);
      write(letter.id, 0, letter);
      return true;
    },
    /** @param {string} id */
    remove(id) {
      const name = names.get(id);
      if (name) store.drop(name);
      names.delete(id);
      return letters.delete(id);
    },
    /** The first that may be sent now, claimed; a number of milliseconds when another tab is at it. */
    next() {
      for (const [id, letter] of letters) {
        if (letter.failed) continue;
        const kept = store.get(names.get(id) ?? "");
        const age = Date.now() - kept?.[0];
        if (kept && kept[2] != tab && kept[0] && age < CLAIM) return CLAIM - age;
        write(id, Date.now(), letter);
        return letter;
      }
    },
    /** @param {string} id @param {string} [why] without a reason it may be tried again */
    mark(id, why) {
      const letter = letters.get(id);
      if (letter) write(id, 0, { ...letter, failed: why });
    },
    /** The page may end: another takes up what is on its way. */
    release() {
      for (const [id, letter] of letters) if (store.get(names.get(id) ?? "")?.[2] == tab) write(id, 0, letter);
    },
    /** What a visitor wrote before it was known who they are is theirs. @param {string} from */
    adopt(from) {
      const others = shelf(`${prefix}out:${from}:`);
      for (const name of others.names()) {
        store.set(start + name.slice(prefix.length + 5 + from.length), others.get(name));
        others.drop(name);
      }
      read();
    },
  };
}
