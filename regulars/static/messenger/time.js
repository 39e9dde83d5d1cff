// @ts-check
// Moments, in the reader's language.

const MINUTE = 6e4;
const DAY = 864e5;

/** @param {string} lang */
export function times(lang) {
  /** @param {Intl.DateTimeFormatOptions} options */
  const format = (options) => {
    const made = new Intl.DateTimeFormat(lang, options);
    return (/** @type {string | number} */ at) => made.format(new Date(at));
  };
  const clock = format({ timeStyle: "short" });
  const short = format({ day: "numeric", month: "short" });
  const long = format({ weekday: "long", day: "numeric", month: "long" });
  const dated = format({ dateStyle: "medium" });
  const soon = format({ weekday: "long", hour: "numeric", minute: "2-digit" });
  const near = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const brief = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "narrow" });

  /** Whole days from that one to today. @param {string | number} at */
  const daysAgo = (at) => Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / DAY);
  /** @param {string} text */
  const capital = (text) => text.slice(0, 1).toLocaleUpperCase(lang) + text.slice(1);
  /** @param {string | number} at */
  const isOld = (at) => Date.now() - new Date(at).getTime() > 300 * DAY;

  return {
    clock,
    /** Today, yesterday, or the day. @param {string | number} at */
    day(at) {
      const ago = daysAgo(at);
      return ago >= 0 && ago < 2 ? capital(near.format(-ago, "day")) : isOld(at) ? dated(at) : long(at);
    },
    /** @param {string | number} at */
    date: (at) => (isOld(at) ? dated(at) : short(at)),
    /** How long ago, in a list. @param {string | number} at */
    ago(at) {
      const minutes = Math.floor((Date.now() - new Date(at).getTime()) / MINUTE);
      if (minutes < 1) return near.format(0, "second");
      if (minutes < 60) return brief.format(-minutes, "minute");
      return daysAgo(at) < 1 ? clock(at) : daysAgo(at) < 2 ? near.format(-1, "day") : this.date(at);
    },
    /** When it will be, within days. @param {string} at */
    when: (at) => (daysAgo(at) == 0 ? clock(at) : daysAgo(at) > -7 ? soon(at) : long(at)),
    /** The minute that it belongs to. @param {string | number} at */
    minute: (at) => Math.floor(new Date(at).getTime() / MINUTE),
    daysAgo,
  };
}
