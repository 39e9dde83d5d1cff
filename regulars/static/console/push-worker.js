// The console's service worker: shows what is pushed to this browser, and opens it when asked.
// Served as /push-worker.js, so that it speaks for the whole console; it keeps no pages and answers
// no requests.

const worker = /** @type {any} */ (self);

worker.addEventListener("push", (/** @type {any} */ event) => {
  /** @type {{title?: unknown, body?: unknown, url?: unknown, tag?: unknown}} */
  let said = {};
  try {
    said = event.data?.json() ?? {};
  } catch {
    // Something is shown all the same: browsers insist, and end subscriptions that show nothing.
  }
  const text = (/** @type {unknown} */ value, /** @type {string} */ otherwise) =>
    typeof value === "string" && value ? value : otherwise;
  event.waitUntil(
    worker.registration.showNotification(text(said.title, "A new message"), {
      body: text(said.body, ""),
      tag: text(said.tag, "news"),
      renotify: true,
      data: { url: text(said.url, "/") },
    }),
  );
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(visit(event.notification.data?.url));
});

/**
 * The page, in a tab of the console that is open already if there is one.
 * @param {unknown} path
 */
async function visit(path) {
  const url = new URL(typeof path === "string" ? path : "/", worker.location.origin);
  if (url.origin !== worker.location.origin) return;
  const tabs = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const shown = tabs.find((/** @type {any} */ tab) => new URL(tab.url).pathname === url.pathname);
  if (shown) await shown.focus();
  else await worker.clients.openWindow(url.href);
}
