// An edge worker in front of any site (the fetch and Cache APIs, as Cloudflare has them): it asks
// Footfall, and keeps one copy of the homepage for each cache key. The site prints the variant it is told.
const nobody = new Headers({ 'Footfall-Variant': 'classic', 'Footfall-Cache-Key': 'classic' })

export default {
  /** env: FOOTFALL and SITE, the origins of both, and FOOTFALL_KEY, a server key */
  async fetch(request, env, context) {
    const url = new URL(request.url)
    if (url.pathname !== '/' || request.method !== 'GET') {
      return fetch(new Request(env.SITE + url.pathname + url.search, request))
    }
    const told = await decision(request, env)
    const key = new Request(`${url.origin}/?copy=${told.get('Footfall-Cache-Key')}`)
    let copy = await caches.default.match(key)
    if (!copy) {
      copy = await fetch(`${env.SITE}/`, { headers: { 'Footfall-Variant': told.get('Footfall-Variant') } })
      if (copy.ok) context.waitUntil(caches.default.put(key, copy.clone()))
    }
    const page = new Response(copy.body, copy)
    // what is this visitor's own is set on the way out, and is in no copy
    page.headers.set('Cache-Control', 'private, no-cache')
    page.headers.append('Set-Cookie', `ff_decision=${told.get('Footfall-Decision') ?? ''}; Path=/; SameSite=Lax`)
    const id = told.get('Footfall-Anonymous-Id')
    if (id) page.headers.append('Set-Cookie', `ff_id=${id}; Path=/; Max-Age=34128000; HttpOnly; SameSite=Lax`)
    return page
  }
}

/** Footfall's answer in headers; without one in time the default's. */
async function decision(request, env) {
  const of = name => request.headers.get(name) ?? ''
  const cookie = name => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(of('Cookie'))?.[1] ?? ''
  const headers = {
    Authorization: `Bearer ${env.FOOTFALL_KEY}`,
    'Footfall-Url': request.url,
    'Footfall-Referrer': of('Referer'),
    'Footfall-Ip': of('CF-Connecting-IP'),
    'Footfall-User-Agent': of('User-Agent'),
    'Footfall-Language': of('Accept-Language'),
    'Footfall-Anonymous-Id': cookie('ff_id'),
    'Footfall-Consent': cookie('consent'),
    'Sec-GPC': of('Sec-GPC')
  }
  try {
    const answer = await fetch(`${env.FOOTFALL}/v1/homepage`, { method: 'HEAD', headers, signal: AbortSignal.timeout(150) })
    return answer.ok ? answer.headers : nobody
  } catch {
    return nobody // away, or too late: the page goes on
  }
}
