// What a customer's page does, with @segment/analytics-next as it was loaded; answers message ids.
// The test calls one of the two starts, then `visit`.

// The npm package's way: a browser object, told where its settings are.
async function startFromPackage(writeKey, cdnURL) {
  const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL });
  return analytics;
}

// The snippet's way: a queue that the script finds when it loads, and replaces.
async function startFromSnippet(writeKey, cdnURL) {
  const queue = [];
  queue._writeKey = writeKey;
  queue._cdn = cdnURL;
  window.analytics = queue;
  const ready = new Promise((resolve) => queue.push(["ready", resolve]));
  const script = document.createElement("script");
  script.src = "/standalone.js";
  document.head.append(script);
  await ready;
  return window.analytics;
}

async function visit(analytics, who, count) {
  const anonymousId = analytics.user().anonymousId();
  const contexts = [];
  const sent = async (call) => contexts.push(await call);
  await sent(analytics.page("Home"));
  await sent(analytics.track("Looked Around"));
  await sent(
    analytics.identify(who, { email: `${who}@example.com`, name: "Pat Doe", plan: "pro" }),
  );
  await sent(analytics.group("acme", { name: "Acme" }));
  await sent(analytics.alias(who, anonymousId));
  await sent(analytics.screen("Basket"));
  await Promise.all(
    Array.from({ length: count }, (_, n) => sent(analytics.track("Order Completed", { number: n }))),
  );
  await analytics.reset();
  await sent(analytics.track("Came As Somebody Else"));
  return {
    ids: contexts.map((context) => context.event.messageId),
    anonymousId,
    stranger: analytics.user().anonymousId(),
  };
}
