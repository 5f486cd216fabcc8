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

// A region of the page that is asked for again every two seconds while somebody looks at it.
function refreshing(region) {
  const again = async () => {
    if (document.visibilityState === "visible" && !region.contains(document.activeElement)) {
      try {
        const answer = await fetch(region.dataset.refresh, {
          credentials: "same-origin",
          headers: { "X-Refresh": "1" },
        });
        if (answer.ok && !answer.redirected) {
          const text = await answer.text();
          if (text !== region.dataset.last) {
            region.innerHTML = text;
            region.dataset.last = text;
            localise(region);
            copying(region);
          }
        }
      } catch {
        // The line stays as it was; the next round asks again.
      }
    }
    setTimeout(again, 2000);
  };
  setTimeout(again, 2000);
}

localise(document);
copying(document);
for (const region of document.querySelectorAll("[data-refresh]")) refreshing(region);
document.querySelector(".error-summary")?.focus();
for (const element of document.querySelectorAll("[data-print]")) {
  element.hidden = false;
  element.addEventListener("click", () => window.print());
}
