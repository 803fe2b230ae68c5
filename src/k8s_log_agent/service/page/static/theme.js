// Runs before the page is drawn, so that a chosen theme does not flash: `light`, `dark`, or the system's.
"use strict";
{
  const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}
