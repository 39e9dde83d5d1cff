// @ts-check
/*
 * The tracker: the small script on a customer's pages (served as /t.js).
 *
 * It records page views and what the page tells it, in Segment's event format.
 * Three rules shape it:
 *   - an event is written to storage before it is sent and removed once the
 *     server has answered, so that a closed tab, a lost network or an overloaded
 *     server loses nothing; it keeps its messageId, so the server counts it once;
 *   - an event being sent is claimed for half a minute: two tabs do not send it
 *     twice, and one left behind by a closing page is taken up by the next;
 *   - the page must never notice: no exception, no global but `regulars`.
 *
 * It also brings the messenger, once the page has come to rest: a module, which needs no global.
 *
 * Served without its comments and indentation, otherwise as it stands (see
 * public/tracker.py): keep comments on lines of their own, and strings and
 * templates on one line.
 */
(() => {
  const VERSION = "1.0.0";
  const site = /** @type {any} */ (window);
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  if (!script || site.regulars?.version) return;

  const source = new URL(script.src, location.href);
  const writeKey = script.dataset.key || source.searchParams.get("k");
  if (!writeKey) {
    console.warn("regulars: no write key");
    return;
  }
  const mustWait = script.dataset.consent == "wait";

  const uuid = () =>
    crypto.randomUUID?.() ||
    // Not offered to pages without https.
    "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
      (crypto.getRandomValues(new Uint8Array(1))[0] % 16).toString(16),
    );

  const IDENTITY = "regulars." + writeKey;
  const EVENT = IDENTITY + ".";
  const TAB = uuid();
  // How long an event in flight is left alone, and a request may take.
  const CLAIM = 3e4;
  // The server knows a messageId for 72 hours: what may have arrived is not sent again after one day.
  const DAY = 864e5;
  // Below the 64 KB that a browser lets a closing page send, at three bytes a character.
  const BATCH = 2e4;

  /**
   * @typedef {{a: string, u?: string, t?: string, c?: 1}} Identity
   *   anonymousId, userId, the signed claim to it, consent given
   * @typedef {Record<string, any>} Fields
   */

  /** Holds what storage may not (no consent yet) or cannot (full, forbidden) hold. @type {Fields} */
  const memory = {};
  /** @type {Fields} */
  let storage = memory;
  try {
    storage = localStorage || memory;
  } catch {}

  /** @type {Identity | undefined} */
  let who;
  // 1: store and send · 0: hold in memory · -1: forget
  let allowed = 0;
  /** @type {string | undefined} */
  let seen;
  /** @type {Fields} */
  let view = {};
  let count = 1e4;
  let failures = 0;
  let resumeAt = 0;
  let busy = false;
  let gone = false;
  let due = 0;
  let timer = 0;

  // Who this is. localStorage, else a cookie, else for as long as the page lives.

  /** @param {string} text @param {number} age in seconds */
  const setCookie = (text, age) => {
    try {
      document.cookie = `${IDENTITY}=${encodeURIComponent(text)};path=/;max-age=${age};samesite=lax`;
    } catch {}
  };

  /** @returns {Identity | undefined} */
  const recall = () => {
    try {
      return JSON.parse(
        memory[IDENTITY] ||
          storage[IDENTITY] ||
          decodeURIComponent(document.cookie.split(IDENTITY + "=")[1].split(";")[0]),
      );
    } catch {}
  };

  /** @param {Identity} identity */
  const remember = (identity) => {
    who = identity;
    tell("who");
    if (allowed < 1) return;
    const text = JSON.stringify(who);
    delete memory[IDENTITY];
    try {
      storage[IDENTITY] = text;
      if (storage != memory) return;
    } catch {
      memory[IDENTITY] = text;
    }
    setCookie(text, 31536e3);
  };

  /** Storage is asked each time: another tab may have signed in or out, or withdrawn consent. */
  const self = () => {
    if (allowed > 0) {
      who = recall();
      if (mustWait && !who?.c) allowed = 0;
    }
    if (!who?.a) remember({ a: uuid() });
    return /** @type {Identity} */ (who);
  };

  // Events on their way. One entry each, so that tabs never overwrite one another's.

  const names = (prefix = EVENT) =>
    [...new Set([...Object.keys(storage), ...Object.keys(memory)])].filter((name) => name.startsWith(prefix)).sort();

  /** @param {string} name */
  const drop = (name) => {
    delete memory[name];
    delete storage[name];
  };

  /** @param {number} length */
  const fits = (length) => {
    const stored = names().filter((name) => storage[name]);
    return stored.length < 100 && stored.reduce((sum, name) => sum + storage[name].length, length) < 65536;
  };

  /** @param {string} name @param {number} claimed when it was last sent, or 0 @param {Fields} event */
  const keep = (name, claimed, event) => {
    const text = JSON.stringify([claimed, event]);
    delete memory[name];
    try {
      if (allowed > 0 && (storage[name] || fits(text.length))) {
        storage[name] = text;
        return;
      }
    } catch {}
    if (claimed || names().length < 1e3) memory[name] = text;
  };

  /** @param {number} wait in milliseconds */
  const soon = (wait) => {
    const at = Date.now() + wait;
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = 0;
      flush();
    }, wait);
  };

  /** @param {boolean} [leaving] the page may end now: do not wait for the request before */
  const flush = (leaving) => {
    const now = Date.now();
    if (allowed < 1 || !navigator.onLine || (busy && !leaving)) return;
    if (now < resumeAt) {
      soon(resumeAt - now);
      return;
    }
    /** @type {[string, Fields][]} */
    const taken = [];
    let size = 0;
    let more = false;
    for (const name of names()) {
      const text = memory[name] || storage[name];
      let claimed = DAY;
      /** @type {Fields} */
      let event = {};
      try {
        [claimed, event] = JSON.parse(text);
      } catch {}
      const age = claimed && Math.abs(now - claimed);
      if (age > DAY) drop(name);
      else if (claimed && age < CLAIM) soon(CLAIM);
      else if (!name.endsWith(TAB) && now - +name.slice(EVENT.length).slice(0, 13) < 2e3) soon(2e3);
      else if (size && size + text.length > BATCH) {
        more = true;
        break;
      } else {
        size += text.length;
        taken.push([name, event]);
        keep(name, now, event);
      }
    }
    if (!size) return;
    busy = true;
    // A string is sent as text/plain, which needs no preflight.
    fetch(source.origin + "/v1/batch", {
      method: "POST",
      body: JSON.stringify({ writeKey, batch: taken.map(([, event]) => event), sentAt: new Date() }),
      keepalive: size <= BATCH,
      credentials: "omit",
      signal: AbortSignal.timeout?.(CLAIM),
    })
      .then((answer) => {
        if (answer.status == 429 || answer.status > 499) throw answer;
        if (!answer.ok) console.warn("regulars:", answer.status);
        failures = 0;
        for (const [name] of taken) drop(name);
      })
      .catch((reason) => {
        // A page that ends hears of a failure, whatever becomes of its request.
        if (gone) return;
        const wait = reason.headers?.get("retry-after") * 1e3 || 1e3 * 2 ** failures++;
        resumeAt = Date.now() + Math.min(wait, 6e5) * (1 + Math.random() / 4);
        // Unless consent was withdrawn meanwhile.
        for (const [name, event] of taken) if (memory[name] || storage[name]) keep(name, 0, event);
      })
      .then(() => {
        busy = false;
        soon(0);
      });
    if (more && leaving) flush(leaving);
  };

  /** @param {string} type @param {Fields} fields */
  const emit = (type, fields) => {
    if (allowed < 0) return;
    const { a, u } = self();
    const event = {
      type,
      ...fields,
      anonymousId: a,
      userId: u,
      messageId: uuid(),
      timestamp: new Date(),
      context: {
        page: view,
        // The header of a request made while a page ends may be another's.
        userAgent: navigator.userAgent,
        locale: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        library: { name: "regulars-js", version: VERSION },
        direct: true,
        gpc: /** @type {any} */ (navigator).globalPrivacyControl || undefined,
      },
    };
    keep(EVENT + Date.now() + count++ + TAB, 0, event);
    soon(100);
  };

  /** The page view that belongs to this address, once. */
  const look = () => {
    if (location.pathname + location.search != seen) methods.page();
  };

  // The messenger (static/messenger). Its own entries in storage begin with IDENTITY and a colon.

  const mode = script.dataset.messenger;
  /** @type {Promise<(wish: string) => void> | undefined} */
  let messenger;
  let wished = "";

  /** What the page wishes of it, or what is new of who this is. @param {string} wish */
  const tell = (wish) => {
    messenger?.then((it) => it(wish)).catch(() => (messenger = undefined));
  };
  const bring = (wish = wished) => {
    wished = wish;
    if (allowed < 1) return;
    messenger ||= import(source.origin + "/messenger/launcher.js").then((it) =>
      it.default({ source, writeKey, mode, who: () => self() && allowed > 0 && who }),
    );
    wished = "";
    tell(wish);
  };

  /** @param {1} [given] consent, in so many words */
  const allow = (given) => {
    const kept = recall();
    // Who was identified meanwhile, else who was known.
    const known = allowed < 1 && who?.u ? who : kept;
    allowed = 1;
    remember({ ...known, a: kept?.a || who?.a || uuid(), c: given || kept?.c });
    if (mode != "off" || wished) {
      if (document.readyState == "complete") bring();
      else addEventListener("load", () => bring());
    }
    for (const name of names()) {
      if (!memory[name]) continue;
      const [claimed, event] = JSON.parse(memory[name]);
      keep(name, claimed, { ...event, anonymousId: who?.a });
    }
  };

  const methods = {
    /**
     * @param {any} id the product's user id; left out for a lead
     * @param {Fields} [traits]
     * @param {{token?: string}} [signed] the claim that this is that user, signed by the product's server
     */
    identify(id, traits, signed) {
      if (typeof id == "object") [id, traits] = ["", id];
      const { u, t } = self();
      if (id || id === 0) remember({ ...self(), u: String(id), t: signed?.token || (u == id ? t : undefined) });
      else if (!traits) return;
      emit("identify", { traits, token: who?.t });
    },
    /** @param {string} name @param {Fields} [properties] */
    track(name, properties) {
      look();
      emit("track", { event: String(name), properties });
    },
    /** @param {any} [name] @param {Fields} [properties] */
    page(name, properties) {
      if (typeof name == "object") [name, properties] = [undefined, name];
      // What follows # may be a secret, and is no other page.
      const url = location.href.split("#")[0];
      seen = location.pathname + location.search;
      view = {
        url,
        path: location.pathname,
        search: location.search,
        title: document.title,
        referrer: url == view.url ? view.referrer : view.url || document.referrer,
      };
      emit("page", { name, properties: { ...view, ...properties } });
    },
    /** @param {any} id the company's id @param {Fields} [traits] */
    group(id, traits) {
      emit("group", { groupId: String(id), traits });
    },
    /** Someone signed out: from now on it is a new visitor. */
    reset() {
      remember({ a: uuid(), c: self().c });
    },
    /** @param {"open" | "close" | "show" | "hide"} wish */
    messenger: (wish) => bring(wish),
    /** @param {boolean} given */
    consent(given) {
      if (given) {
        if (allowed < 0) seen = undefined;
        allow(1);
        look();
        soon(0);
      } else {
        allowed = -1;
        tell("gone");
        messenger = undefined;
        for (const name of names(IDENTITY)) drop(name);
        setCookie("", 0);
        who = undefined;
      }
    },
  };

  const boot = () => {
    const before = site.regulars;
    /** The page's door: regulars.track(…), or regulars("track", …). @type {any} */
    const regulars = (/** @type {keyof typeof methods} */ name, /** @type {any[]} */ ...details) => {
      try {
        /** @type {any} */ (methods)[name](...details);
      } catch (error) {
        console.warn("regulars:", error);
      }
    };
    for (const name of Object.keys(methods)) regulars[name] = regulars.bind(0, name);
    /** @param {ArrayLike<any>} call */
    regulars.push = (call) => regulars(...Array.from(call || []));
    regulars.version = VERSION;
    site.regulars = regulars;

    if (!mustWait || recall()?.c) allow();
    const waiting = before?.push ? before : before?.q || [];
    waiting.forEach?.(regulars.push);
    waiting.push = regulars.push;
    look();

    // A title is often set after the address; a page that ends sooner is not lost.
    const moved = () => setTimeout(look, 50);
    for (const name of /** @type {const} */ (["pushState", "replaceState"])) {
      const original = history[name];
      history[name] = function (...change) {
        original.apply(this, change);
        moved();
      };
    }
    addEventListener("popstate", moved);
    addEventListener("pageshow", (shown) => {
      gone = false;
      if (shown.persisted) regulars.page();
    });
    const leave = () => {
      look();
      flush(true);
    };
    addEventListener("pagehide", () => {
      gone = true;
      leave();
    });
    document.addEventListener("visibilitychange", () => document.hidden && leave());
    addEventListener("online", () => {
      resumeAt = 0;
      // All tabs hear this at once; the first to send claims for the others.
      soon(1e3 * Math.random());
    });
  };

  // A prerendered page was not seen by anyone yet.
  if (/** @type {any} */ (document).prerendering) document.addEventListener("prerenderingchange", boot);
  else boot();
})();
