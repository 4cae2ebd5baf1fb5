// Takes a person from the page behind a mail link to the app, so that most people need no press.
//
// Opening this page uses nothing up, but the app it leads to signs in with the link and so spends it. Mail
// scanners open links in real browsers, hence going on without a press needs a sign that only a person gives:
// a mouse or pen over the page, while the page is in front, in a browser that no program drives. A scanner's
// browser is visible and focused too, but nothing points at it. Touch and keyboard give no sign before the first
// press, so there the button is that press. Keys are no sign: they may read the page aloud, or close it.
(() => {
  "use strict";
  const form = document.querySelector("form.hop");
  if (!form || navigator.webdriver || /headless/i.test(navigator.userAgent)) return;

  const signs = ["pointerover", "pointermove"];

  function forward(event) {
    const points = event.isTrusted && event.pointerType !== "touch";
    if (!points || document.visibilityState !== "visible" || !document.hasFocus()) return;
    for (const sign of signs) removeEventListener(sign, forward);
    // Attributes, not form.action: a field of that name would stand in its place.
    const target = new URL(form.getAttribute("action"));
    target.search = new URLSearchParams(new FormData(form)).toString();
    // Takes this page's place in the history: "back" leads to the mail, not to being sent on again.
    location.replace(target);
  }

  for (const sign of signs) addEventListener(sign, forward, { passive: true });
})();
