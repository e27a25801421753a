// Footfall's tracker. The wire format stands in ingest/collector/protocols/beacon.py.
//
//   <script src="https://collect.example/beacon.js" data-key="pk_..." data-consent="granted" async>
//
// data-consent: granted, denied, ask where the page is asking just now, or absent where the visitor
// was not asked. While the page asks, what it tells waits a moment for the answer, so that a visitor
// who agrees is counted once and from the beginning. Then, from the page:
//   footfall.page()                       another page view (pushState is seen by itself)
//   footfall.track(name, properties)      properties.revenue, .order_id, ... as in Segment's spec
//   footfall.identify(userId, traits)     a login
//   footfall.reset()                      a logout
//   footfall.consent(true | false)        the visitor's choice
//
// It keeps nothing in the browser: the device's cookie is set by the collector, where it may.
// Served without these comments (ingest/collector/beacon_script.py: whole lines only, so a comment
// never follows code on its line and a template literal never spans lines).
(function (window, document, navigator) {
'use strict';
var script = document.currentScript;
if (!script || window.footfall) return;
var endpoint = new URL('/b', script.src).href;
var key = script.getAttribute('data-key');
var asked = script.getAttribute('data-consent');
var consent = { granted: true, denied: false }[asked];
// What was sent before the visitor agreed is nobody's, and stays so.
var nameless = false;
var load = uuid();
var queue = [];
var timer = 0;
var url = '';
var referrer = document.referrer;

var MAX_EVENTS = 20;
var MAX_BYTES = 50000;
var FLUSH_MS = 300;
var ASK_MS = 5000;
var MIN_ENGAGED_MS = 50;
// A visitor who moves nothing for this long is not reading any more.
var IDLE_MS = 30000;

function uuid() {
  if (window.crypto && crypto.randomUUID) return crypto.randomUUID();
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, function () {
    return (Math.random() * 16 | 0).toString(16);
  });
}

// Nothing here may ever break the page.
function safely(work) {
  return function () {
    try {
      return work.apply(this, arguments);
    } catch (error) {
      if (window.console) console.debug('footfall', error);
    }
  };
}

function attribute(name) {
  var element = document.querySelector('[' + name + ']');
  return element ? element.getAttribute(name) : undefined;
}

// undefined members are left out by JSON.stringify.
function add(type, members) {
  var event = {
    type: type, id: uuid(), time: Date.now(), url: url || location.href, title: document.title,
    referrer: referrer || undefined, language: navigator.language,
    decision_id: attribute('data-ff-decision'), variant: attribute('data-ff-variant')
  };
  for (var name in members) event[name] = members[name];
  queue.push(event);
  if (queue.length >= MAX_EVENTS) flush();
  else if (!timer) timer = setTimeout(safely(flush), asked === 'ask' ? ASK_MS : FLUSH_MS);
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  while (queue.length) {
    var count = Math.min(queue.length, MAX_EVENTS);
    var body = beacon(queue.slice(0, count));
    // Browsers refuse more than 64 KB in flight.
    while (count > 1 && body.length > MAX_BYTES) {
      count = count >> 1;
      body = beacon(queue.slice(0, count));
    }
    queue.splice(0, count);
    send(body);
  }
}

function beacon(events) {
  return JSON.stringify({
    key: key, load: load, sent_at: Date.now(), consent: consent,
    gpc: navigator.globalPrivacyControl || undefined, events: events
  });
}

function send(body) {
  nameless = nameless || !consent;
  if (navigator.sendBeacon && navigator.sendBeacon(endpoint, body)) return;
  fetch(endpoint, {
    method: 'POST', body: body, keepalive: body.length < 60000, credentials: 'include',
    mode: 'no-cors'
  }).catch(function () {});
}

// Engaged time: visible, and something moved within the last IDLE_MS.
var engaged = 0;
var since = 0;
var active = 0;

function settle() {
  var now = Date.now();
  if (since) engaged += Math.max(0, Math.min(now, active + IDLE_MS) - since);
  since = document.visibilityState === 'visible' ? now : 0;
}

function moved() {
  settle();
  active = Date.now();
}

// Each leaving sends the engaged time since the one before, so that their sum is the page's. One
// leaving shows as several events, a moment apart: what is too short waits for the next.
function leave() {
  settle();
  if (engaged >= MIN_ENGAGED_MS) {
    add('track', { name: 'Page Left', engaged_ms: engaged });
    engaged = 0;
  }
  flush();
}

function page(properties) {
  var from = url;
  if (from) leave();
  url = location.href;
  if (from && from !== url) referrer = from;
  moved();
  add('page', { properties: properties });
}

// A frame later, when single-page frameworks have set the title.
function navigated() {
  setTimeout(safely(function () {
    if (location.href.split('#')[0] !== url.split('#')[0]) page();
  }), 0);
}

['pushState', 'replaceState'].forEach(function (name) {
  var own = history[name];
  history[name] = function () {
    var result = own.apply(this, arguments);
    safely(navigated)();
    return result;
  };
});

function listen(target, names, work) {
  names.split(' ').forEach(function (name) {
    target.addEventListener(name, safely(work), { passive: true, capture: true });
  });
}

listen(window, 'popstate', navigated);
listen(window, 'pagehide', leave);
listen(window, 'scroll pointermove pointerdown keydown touchstart', moved);
listen(document, 'visibilitychange', function () {
  if (document.visibilityState === 'hidden') leave();
  else moved();
});
// A page that comes back whole from the back button is a new view.
listen(window, 'pageshow', function (event) {
  if (event.persisted) page();
});

window.footfall = {
  page: safely(page),
  track: safely(function (name, properties) {
    add('track', { name: String(name), properties: properties });
  }),
  identify: safely(function (userId, traits) {
    add('identify', { user_id: String(userId), properties: traits });
  }),
  reset: safely(function () {
    add('track', { name: 'Logged Out' });
  }),
  consent: safely(function (granted) {
    var asking = asked === 'ask';
    if (!asking) flush();
    asked = '';
    consent = !!granted;
    // Told again, so that the visit begins where it began, with its referrer and its homepage.
    if (asking && consent && nameless) add('page', {});
    add('track', { name: consent ? 'Consent Granted' : 'Consent Refused' });
    flush();
  })
};
safely(page)();
})(window, document, navigator);
