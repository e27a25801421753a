// The homepage of a Node site: Footfall says which one; without an answer in time the default.
const footfall = process.env.FOOTFALL ?? 'http://127.0.0.1:8081'
const headers = { Authorization: 'Bearer sk_demo' }

/** visit: url, referrer, ip, user_agent, language, consent, gpc, anonymous_id, user_id */
export async function homepage(visit) {
  try {
    const asked = { method: 'POST', headers, body: JSON.stringify(visit), signal: AbortSignal.timeout(100) }
    const answer = await fetch(`${footfall}/v1/homepage`, asked)
    if (answer.ok) return await answer.json()
  } catch {} // away, or too late: the page goes on
  return { variant: 'classic', decision_id: '', visitor: { anonymous_id: null } }
}
