// Sends one of each call and `count` tracks with @segment/analytics-node; prints the message ids.
// Arguments: host, write key, a word that makes the ids of people unique, count.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, who, count] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, flushAt: 7, flushInterval: 200, maxRetries: 10 });
const ids = [];
const failures = [];
analytics.on("error", (error) => failures.push(String(error.reason ?? error.code)));

const sent = (error, context) => {
  if (error) failures.push(String(error));
  ids.push(context.event.messageId);
};
const anonymousId = `${who}-device`;
const userId = who;
analytics.page({ anonymousId, name: "Home", properties: { url: "https://shop.example/" } }, sent);
analytics.track({ anonymousId, event: "Looked Around" }, sent);
analytics.identify(
  { userId, anonymousId, traits: { email: `${who}@example.com`, name: "Pat Doe", plan: "pro" } },
  sent,
);
analytics.screen({ userId, name: "Basket" }, sent);
analytics.group({ userId, groupId: "acme", traits: { name: "Acme" } }, sent);
analytics.alias({ userId, previousId: `${who}-before` }, sent);
for (let n = 0; n < Number(count); n += 1) {
  analytics.track({ userId, event: "Order Completed", properties: { number: n } }, sent);
}
await analytics.closeAndFlush({ timeout: 30_000 });
process.stdout.write(JSON.stringify({ ids, failures }));
