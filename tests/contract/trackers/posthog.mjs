// posthog-node against a running collector: node posthog.mjs URL KEY
import { PostHog } from 'posthog-node';

const [host, key] = process.argv.slice(2);
const client = new PostHog(key, { host });
client.on('error', (error) => { console.error(String(error)); process.exitCode = 1; });
client.capture({
  distinctId: 'node-1',
  event: 'Order Completed',
  properties: {
    order_id: 'o-1', revenue: 12.5, currency: 'EUR', $current_url: 'https://toyhouse.example/thanks',
    $set: { vip: true },
  },
});
client.identify({ distinctId: 'node-1', properties: { plan: 'gold' } });
client.alias({ distinctId: 'node-1', alias: 'node-old' });
client.groupIdentify({ groupType: 'company', groupKey: 'g1', properties: { size: 3 } });
const flags = await client.evaluateFlags('node-1');
console.log(JSON.stringify({ enabled: flags.isEnabled('anything') ?? null }));
await client.shutdown();
