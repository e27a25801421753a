// Consent, and what the browser tells beyond page views. Every page works without this script;
// Footfall's tracker, which runs after it (both are `defer`), is told of a refusal in time.
(function () {
'use strict';
var KEY = 'toyhouse_consent';
var tracker = document.getElementById('tracker');
var banner = document.getElementById('consent');

// A refusal is kept here and in no cookie: nothing of it is ever sent.
function refused(now) {
  try {
    if (now === true) localStorage.setItem(KEY, 'refused');
    if (now === false) localStorage.removeItem(KEY);
    return localStorage.getItem(KEY) === 'refused';
  } catch (error) {
    return now === true;
  }
}

// What the visitor looks at on this page, besides the page itself.
function tell() {
  var seen = document.querySelector('main[data-event]');
  if (seen && window.footfall) {
    footfall.track(seen.dataset.event, JSON.parse(seen.dataset.properties));
  }
}

function choose(choice) {
  var granted = choice === 'granted';
  var before = banner.dataset.consent;
  refused(!granted);
  banner.hidden = true;
  banner.dataset.consent = granted ? 'granted' : 'denied';
  // The shop's server first: its answer sets the cookie under which the tracker then speaks.
  // Where there is nothing to take back, a refusal is nobody's business but this browser's.
  var asked = granted || before === 'granted' ? fetch('/consent', {
    method: 'POST', headers: { Accept: 'application/json' }, keepalive: true,
    body: new URLSearchParams({ choice: choice })
  }).catch(function () {}) : Promise.resolve();
  asked.then(function () {
    if (window.footfall) footfall.consent(granted);
  });
}

if (tracker) tracker.addEventListener('load', tell);

if (banner) {
  if (banner.dataset.consent === 'unknown') {
    if (refused() || navigator.globalPrivacyControl) tracker.dataset.consent = 'denied';
    else {
      banner.hidden = false;
      tracker.dataset.consent = 'ask';
    }
  }
  banner.addEventListener('submit', function (event) {
    event.preventDefault();
    choose(event.submitter ? event.submitter.value : 'refused');
  });
  document.querySelectorAll('[data-open-consent]').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () {
      banner.hidden = false;
      banner.querySelector('button').focus();
    });
  });
}

// Which pick was clicked: the tracker sends along the decision that showed it.
document.querySelectorAll('[data-pick] a').forEach(function (link) {
  var pick = link.closest('[data-pick]');
  link.addEventListener('click', function () {
    if (!window.footfall) return;
    footfall.track('Product Clicked', {
      product_id: pick.dataset.pick, list_id: 'picks', position: Number(pick.dataset.position)
    });
  });
});

// A chosen quantity needs no second click.
document.querySelectorAll('select[data-submit]').forEach(function (select) {
  select.form.classList.add('live');
  select.addEventListener('change', function () { select.form.requestSubmit(); });
});

// The gift finder answers while its chips are pressed.
document.querySelectorAll('form[data-gifts]').forEach(function (form) {
  form.classList.add('live');
  form.addEventListener('change', function () {
    var results = document.getElementById('gifts');
    fetch(form.action + '?' + new URLSearchParams(new FormData(form))).then(function (answer) {
      return answer.text();
    }).then(function (html) {
      var found = new DOMParser().parseFromString(html, 'text/html').getElementById('gifts');
      if (found) results.replaceWith(found);
    }).catch(function () { form.submit(); });
  });
});
})();
