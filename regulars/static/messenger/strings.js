// @ts-check
// Words and their gaps: {name} is filled in, and of two forms the one that the number takes is said.
// The words themselves are files in words/, one a language, of which a browser loads one.

/** @typedef {typeof import("./words/en.js").default} English */
/** @typedef {keyof English} Word */

/**
 * @param {string} lang
 * @param {Record<string, string | string[]>} words
 */
export function speaker(lang, words) {
  const rules = new Intl.PluralRules(lang);
  /**
   * @param {Word} word
   * @param {Record<string, string | number>} [filled]
   * @returns {string}
   */
  return (word, filled = {}) => {
    const said = words[word];
    const text = typeof said == "string" ? said : said[rules.select(Number(filled.n)) == "one" ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => String(filled[name]));
  };
}
