// @ts-check
// The line to the server: one WebSocket that notices when it is dead, and comes back by itself.

const PING = 25e3;
const ANSWER = 15e3;
// What a server says that will say the same again.
const FINAL = ["bad_claim", "off", "unknown_key"];

/** @typedef {Record<string, any>} Frame */

/**
 * @param {string} address
 * @param {() => Frame | undefined} greeting the first frame; none while nobody may be greeted
 * @param {{told(news: Frame): void, up(): void, down(): void, over(code: string): void}} hears
 */
export function wire(address, greeting, hears) {
  /** @type {WebSocket | undefined} */
  let socket;
  let isUp = false;
  let isOver = false;
  let failures = 0;
  let timer = 0;
  let since = 0;
  let heard = 0;
  let asked = 0;

  const drop = () => {
    const old = socket;
    socket = undefined;
    old?.close();
    if (!isUp) return;
    isUp = false;
    hears.down();
  };

  /** @param {number} [wait] milliseconds that the server asked for */
  const later = (wait) => {
    drop();
    if (isOver) return;
    failures = since && Date.now() - since > 1e4 ? 0 : failures + 1;
    since = 0;
    const back = wait ?? Math.min(500 * 2 ** failures, 3e4);
    clearTimeout(timer);
    // Everybody's line broke when a server went: they must not all come back at once.
    timer = setTimeout(connect, back * (0.6 + Math.random() * 0.8));
  };

  const connect = () => {
    clearTimeout(timer);
    const hello = greeting();
    if (isOver || socket || !hello) return;
    /** @type {WebSocket} */
    let mine;
    try {
      mine = socket = new WebSocket(address);
    } catch {
      return later();
    }
    heard = Date.now();
    asked = heard;
    mine.onopen = () => mine.send(JSON.stringify(hello));
    mine.onmessage = ({ data }) => {
      if (mine != socket) return;
      heard = Date.now();
      asked = 0;
      /** @type {Frame} */
      let news;
      try {
        news = JSON.parse(data);
      } catch {
        return;
      }
      if (news.t == "slow") return later(news.after * 1e3);
      if (news.t == "refused" && FINAL.includes(news.code)) {
        isOver = true;
        drop();
        return hears.over(news.code);
      }
      const isFirst = news.t == "home" && !isUp;
      if (isFirst) {
        isUp = true;
        since = heard;
      }
      hears.told(news);
      if (isFirst) hears.up();
    };
    mine.onclose = () => mine == socket && later();
  };

  /** @param {Frame} news */
  const send = (news) => {
    if (isUp) socket?.send(JSON.stringify(news));
    return isUp;
  };

  const ask = () => {
    asked = Date.now();
    send({ t: "ping" });
  };

  // A timer of a hidden page is late: what counts is whether a question went unanswered.
  const beat = setInterval(() => {
    if (!socket) return;
    const now = Date.now();
    if (asked && now - asked >= ANSWER) later();
    else if (!asked && now - heard >= PING) ask();
  }, 5e3);

  const again = () => {
    if (socket) return isUp && !asked ? ask() : undefined;
    failures = 0;
    connect();
  };
  const listeners = /** @type {const} */ ([
    [window, "online", again],
    [window, "offline", () => later()],
    [document, "visibilitychange", () => document.hidden || again()],
    // An open line would keep the page out of the browser's back/forward cache.
    [window, "pagehide", () => (clearTimeout(timer), drop())],
    [window, "pageshow", (/** @type {any} */ shown) => shown.persisted && again()],
  ]);
  for (const [target, name, call] of listeners) target.addEventListener(name, call);

  return {
    connect,
    send,
    isUp: () => isUp,
    /** An answer that was due did not come. */
    broken: () => later(0),
    end() {
      isOver = true;
      clearTimeout(timer);
      clearInterval(beat);
      drop();
      for (const [target, name, call] of listeners) target.removeEventListener(name, call);
    },
  };
}
