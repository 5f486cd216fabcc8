// Small comforts. Every page is complete without this file.
"use strict";

// Times are sent in UTC; show them in the reader's own zone and keep the original in the title.
function localise(root) {
  const zone = { hour: "2-digit", minute: "2-digit" };
  const styles = {
    time: zone,
    second: { ...zone, second: "2-digit" },
    day: { day: "numeric", month: "long", year: "numeric" },
    moment: { day: "numeric", month: "short", year: "numeric", ...zone },
    zoned: { day: "numeric", month: "short", year: "numeric", ...zone, timeZoneName: "short" },
  };
  for (const element of root.querySelectorAll("time[data-as]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.title = element.textContent.trim();
    const style = { ...styles[element.dataset.as], hour12: false };
    element.textContent = new Intl.DateTimeFormat("en-GB", style).format(at);
  }
}

// A hash copies itself, whole, by click or by Enter.
function copying(root) {
  if (!navigator.clipboard) return;
  for (const element of root.querySelectorAll("[data-copy]")) {
    element.classList.add("copies");
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", `Copy ${element.textContent.trim()}`);
    const copy = async () => {
      await navigator.clipboard.writeText(element.dataset.copy);
      element.classList.add("copied");
      setTimeout(() => element.classList.remove("copied"), 1500);
    };
    element.addEventListener("click", copy);
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      copy();
    });
  }
}

// Parts of a page that say what is so now: all of them are asked for again every three seconds, in
// one fetch, so that they are of one instant. A part that says the same is left alone.
function refreshing(parts) {
  const seen = new Map(parts.map((part) => [part, part.innerHTML]));
  let asking = false;

  function show(fresh) {
    for (const part of parts) {
      const text = fresh.getElementById(part.id)?.innerHTML ?? "";
      if (text === seen.get(part)) continue;
      const leave = keeping(part);
      part.innerHTML = text;
      seen.set(part, text);
      localise(part);
      copying(part);
      leave();
    }
  }

  async function ask() {
    if (asking || document.visibilityState !== "visible") return;
    asking = true;
    try {
      const answer = await fetch(location.pathname + location.search, {
        credentials: "same-origin",
        headers: { "X-Refresh": "1" },
      });
      if (answer.redirected) lost("session");
      else if (!answer.ok) lost("service");
      else show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      lost("service");
    }
    asking = false;
  }

  setInterval(ask, 3000);
  document.addEventListener("visibilitychange", ask);
}

// Says that the page is of an earlier instant, and why; the next answer takes it away again.
function lost(what) {
  const line = document.getElementById("as-of");
  line?.firstElementChild.classList.add("lost");
  for (const each of line?.querySelectorAll("[data-lost]") ?? []) {
    each.hidden = each.dataset.lost !== what;
  }
}

// What is unfolded stays so, and the focus stays on what has the same words in the same place.
function keeping(part) {
  const names = (list) => [...list].map((each) => each.textContent.trim());
  const open = new Set(names(part.querySelectorAll("details[open] > summary")));
  const within = part.contains(document.activeElement) ? document.activeElement : null;
  const alike = (name) => [...part.querySelectorAll(name)];
  const place = within ? alike(within.localName).indexOf(within) : -1;
  return () => {
    for (const summary of part.querySelectorAll("details > summary")) {
      summary.parentElement.open = open.has(summary.textContent.trim());
    }
    const now = within && alike(within.localName);
    const same = now?.find((each) => each.textContent.trim() === within.textContent.trim());
    (same ?? now?.[place])?.focus({ preventScroll: true });
  };
}

const live = [...document.querySelectorAll("[data-live]")];
if (live.length) refreshing(live);
localise(document);
copying(document);
document.querySelector(".error-summary")?.focus();
for (const element of document.querySelectorAll("[data-print]")) {
  element.hidden = false;
  element.addEventListener("click", () => window.print());
}
