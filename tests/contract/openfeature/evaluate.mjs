// Stock OpenFeature providers against a running service: node evaluate.mjs URL ORIGIN
// Prints as JSON what a shop's code would see.
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { OpenFeature as Web } from '@openfeature/web-sdk';

const [baseUrl, origin] = process.argv.slice(2);
const article = 'https://encyclopedia.example/wiki/Toy';

const provider = new OFREPProvider({ baseUrl, headers: [['Authorization', 'Bearer sk_demo']] });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const server = {
  homepage: await client.getStringDetails('homepage', 'fallback', {
    targetingKey: 'node-1', referrer: article, ignored: { nested: [1] },
  }),
  member: await client.getStringDetails('homepage', 'fallback', {
    targetingKey: 'node-2', user_id: 'zoe',
  }),
  arm: await client.getStringDetails('hero', 'fallback', { targetingKey: 'node-1' }),
  unknown: await client.getStringDetails('nothing', 'fallback', { targetingKey: 'node-1' }),
  nobody: await client.getStringDetails('hero', 'fallback', {}),
  number: await client.getNumberDetails('homepage', 7, { targetingKey: 'node-1' }),
  invalid: await client.getStringDetails('homepage', 'fallback', { referrer: 7 }),
};

const statuses = [];
const plain = globalThis.fetch;
globalThis.fetch = async (...asked) => {
  const answer = await plain(...asked);
  statuses.push(answer.status);
  return answer;
};
await Web.setContext({ targetingKey: 'page-1', referrer: article });
const page = new OFREPWebProvider({
  baseUrl,
  pollInterval: 300,
  headers: [['Authorization', 'Bearer pk_demo'], ['Origin', origin]],
});
await Web.setProviderAndWait(page);
const pages = Web.getClient();
const web = {
  homepage: pages.getStringDetails('homepage', 'fallback'),
  arm: pages.getStringDetails('hero', 'fallback'),
  unknown: pages.getStringDetails('nothing', 'fallback'),
};
while (statuses.length < 3) await new Promise((tell) => setTimeout(tell, 50));
web.statuses = statuses.slice(0, 3);
await page.onClose();
console.log(JSON.stringify({ server, web }));
process.exit(0);
