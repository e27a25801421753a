// Snowplow's tracker for Node against a running collector: node snowplow.mjs URL KEY METHOD
import {
  buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker,
} from '@snowplow/node-tracker';

const [endpoint, appId, eventMethod] = process.argv.slice(2);
let sent = 0;
const failed = [];
const tracker = newTracker(
  { namespace: 'shop', appId, encodeBase64: eventMethod === 'get' },
  {
    endpoint, eventMethod, bufferSize: 1,
    onRequestSuccess: (events) => { sent += events.length; },
    onRequestFailure: (failure) => { failed.push(failure.status); },
  },
);
tracker.setUserId('node-1');
tracker.setDomainUserId('dev-1');
tracker.track(buildPageView({
  pageUrl: 'https://toyhouse.example/', pageTitle: 'Home', referrer: 'https://google.com/',
}));
tracker.track(
  buildSelfDescribingEvent({
    event: { schema: 'iglu:com.acme/order_completed/jsonschema/1-0-0', data: { order_id: 'o-1' } },
  }),
  [{ schema: 'iglu:com.acme/shelf/jsonschema/1-0-0', data: { name: 'toys' } }],
);
tracker.track(buildStructEvent({ category: 'shop', action: 'add', value: 3.5 }));
await tracker.flush?.();
for (let waited = 0; sent + failed.length < 3 && waited < 10_000; waited += 20) {
  await new Promise((done) => { setTimeout(done, 20); });
}
console.log(JSON.stringify({ sent, failed }));
process.exit(0);
