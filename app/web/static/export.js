// Moves the bar of a running export without loading the page anew. Without this file the page asks
// again by itself every two seconds.
"use strict";

const place = document.getElementById("progress");
const bar = place.querySelector("progress");
const words = document.getElementById("progress-words");

async function look() {
  try {
    const answer = await fetch(place.dataset.progress, {
      credentials: "same-origin",
      headers: { "X-Refresh": "1" },
    });
    if (!answer.ok || answer.redirected) return location.reload();
    const progress = await answer.json();
    if (progress.state !== "running") return location.reload();
    bar.value = progress.percent;
    if (words.textContent !== progress.words) words.textContent = progress.words;
  } catch {
    // The bar stays as it was; the next round asks again.
  }
  setTimeout(look, 700);
}

setTimeout(look, 300);
