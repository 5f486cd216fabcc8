// Checks a company policy on the server while it is typed. The page is complete without this file:
// the button "Check" does the same with a full round trip.
"use strict";

const PAUSE_MS = 400;

const form = document.querySelector("form[data-check]");
const text = form?.querySelector("textarea");
const preview = document.getElementById("preview");
const checkStatus = document.getElementById("check-status");

let timer = 0;
let running = null;
let checked = text?.value;

async function check() {
  if (text.value === checked) return;
  const asked = text.value;
  running?.abort();
  running = new AbortController();
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.check, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "text/html" },
      credentials: "same-origin",
      signal: running.signal,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.text());
    checked = asked;
  } catch (error) {
    if (error.name === "AbortError") return;
    say("Could not check just now. Your text is kept; the button Check tries again.");
  }
  preview.removeAttribute("aria-busy");
}

function show(fragment) {
  // The fragment is our own server's, rendered with every value escaped.
  preview.innerHTML = fragment;
  const summary = preview.querySelector("[data-summary]");
  say(summary ? summary.dataset.summary : "");
}

function say(sentence) {
  // Told once: a live region that repeats itself is noise.
  if (checkStatus.textContent !== sentence) checkStatus.textContent = sentence;
}

function toPlace(event) {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  const lines = text.value.split("\n");
  const line = Math.min(Number(link.dataset.line), lines.length) - 1;
  const before = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
  const column = Math.min(Number(link.dataset.column || 1) - 1, lines[line].length);
  text.focus();
  text.setSelectionRange(before + column, before + lines[line].length);
  text.scrollTop = Math.max(0, (line - 4) * (text.scrollHeight / lines.length));
}

if (form && text && preview && checkStatus) {
  text.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(check, PAUSE_MS);
  });
  document.addEventListener("click", toPlace);
}
