// Keeps the parts of a page that are marked `data-live` up to date: the server says what changed (server-sent events),
// the page is asked for anew, and only the parts that differ are replaced.
"use strict";

{
  const { events, kinds, id, every } = document.currentScript.dataset;
  const SETTLE = 400; // ms: many events at once are one question
  const REST = 2000; // ms between two questions, and longer where an answer takes long: a storm meets many open pages
  let source = null, waiting = 0, asking = false, again = false, next = 0;

  const state = (name, title) => {
    const shown = document.getElementById("live");
    if (!shown) return;
    shown.hidden = false;
    shown.className = `live ${name}`;
    shown.textContent = title;
  };

  // A part that somebody is writing in, or has marked text in, stays as it is until the next change.
  const inUse = (part) => {
    const active = document.activeElement;
    if (part.contains(active) && active.matches("input, textarea, select")) return true;
    const marked = getSelection();
    return !marked.isCollapsed && part.contains(marked.anchorNode);
  };

  const seenIn = (part) => new Map([...part.querySelectorAll("tr[data-seen]")].map((row) => [row.id, row.dataset.seen]));

  const markChanged = (part, before) => {
    let fresh = 0, title = "";
    for (const row of part.querySelectorAll("tr[data-seen]")) {
      if (before.get(row.id) === row.dataset.seen) continue;
      row.classList.add("changed");
      if (before.has(row.id)) continue;
      fresh += 1;
      title ||= row.querySelector("a").textContent;
    }
    const said = document.getElementById("said");
    if (fresh && said) said.textContent = fresh === 1 ? `New incident: ${title}` : `${fresh} new incidents`;
  };

  const renew = (fresh) => {
    let left = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || next.innerHTML === part.dataset.given) continue;
      if (inUse(part)) { left = true; continue; }
      const before = seenIn(part);
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const place = focused && (focused.closest("tr[id]")?.id || focused.getAttribute("href"));
      part.dataset.given = next.innerHTML;
      part.replaceChildren(...document.importNode(next, true).childNodes);
      part.dataset.done = next.dataset.done ?? "";
      if (before.size || part.hasAttribute("data-rows")) markChanged(part, before);
      if (place) (document.getElementById(place)?.querySelector("a") ?? part.querySelector(`a[href="${CSS.escape(place)}"]`))?.focus();
      part.dispatchEvent(new Event("renewed", { bubbles: true }));
    }
    document.title = fresh.title || document.title;
    if (source?.readyState === EventSource.OPEN) state("on", "Live");
    if (left) waiting = setTimeout(ask, 3000);
    if (document.querySelector("[data-live][data-done=yes]")) stop();
  };

  const ask = async () => {
    clearTimeout(waiting);
    waiting = 0;
    if (asking) { again = true; return; }
    asking = true;
    const began = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.ok) {
        const now = Date.parse(answer.headers.get("Date"));
        if (now) document.documentElement.dataset.ahead = Math.round((now - Date.now()) / 1000);
        renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch { state("off", "Not connected"); } finally {
      asking = false;
      next = performance.now() + Math.max(REST, 10 * (performance.now() - began));
      if (again) { again = false; soon(); }
    }
  };
  const soon = () => {
    waiting ||= setTimeout(ask, Math.max(SETTLE * (1 + Math.random()), next - performance.now()));
  };

  // One listener a page that is seen: a browser holds six connections to a server, and no more.
  const listen = () => {
    if (source || document.hidden) return;
    const wanted = new URLSearchParams({ kind: kinds });
    if (id) wanted.set("id", id);
    source = new EventSource(`${events}?${wanted}`);
    source.addEventListener("open", () => {
      state("on", "Live");
      soon(); // what happened since the page was made, or since the connection broke, was not told
    });
    source.addEventListener("error", () => state("off", "Not connected"));
    for (const kind of kinds.split(" ")) source.addEventListener(kind, soon);
  };
  const hang = () => { source?.close(); source = null; };
  let timer = 0;
  const stop = () => { hang(); clearInterval(timer); };

  for (const part of document.querySelectorAll("[data-live]")) part.dataset.given = part.innerHTML;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hang();
    else if (!document.querySelector("[data-live][data-done=yes]")) { listen(); soon(); }
  });
  addEventListener("pagehide", hang);
  listen();
  if (every) timer = setInterval(() => { if (!document.hidden) soon(); }, Number(every) * 1000);
}
