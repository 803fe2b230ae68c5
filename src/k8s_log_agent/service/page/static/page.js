// What makes the pages more comfortable; all of them can be read and used without it.
"use strict";

const said = document.getElementById("said");
const say = (text) => { if (said) said.textContent = text; };

// The theme: as the system, dark, light.
const THEMES = { "": "Auto", dark: "Dark", light: "Light" };
const button = document.getElementById("theme");
if (button) {
  const name = document.getElementById("theme-name");
  const show = () => { name.textContent = THEMES[document.documentElement.dataset.theme ?? ""]; };
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    try { localStorage.setItem("theme", next); } catch { /* it holds for this page then */ }
    show();
  });
  show();
  button.hidden = false;
}

// Buttons that copy the command beside them.
const copied = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // plain http has no clipboard of its own
  field.value = text;
  field.className = "readers";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("not copied");
};
const offerCopies = (root) => {
  for (const one of root.querySelectorAll("button.copy")) one.hidden = false;
};
document.addEventListener("click", async (event) => {
  const one = event.target.closest?.("button.copy");
  if (!one) return;
  try {
    await copied(one.parentElement.querySelector("code").textContent);
    one.classList.add("done");
    say("Copied.");
    setTimeout(() => one.classList.remove("done"), 1600);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(one.parentElement.querySelector("code"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    say("The browser did not allow it; the command is selected.");
  }
  one.focus();
});
offerCopies(document);
document.addEventListener("renewed", (event) => offerCopies(event.target));

// Up and down walk through the list, once the focus is in it.
document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.("[data-rows] .what a");
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!link || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...document.querySelectorAll("[data-rows] .what a")];
  links[links.indexOf(link) + step]?.focus();
  event.preventDefault();
});

// A changed choice of state or severity is applied at once; what is typed waits for Enter.
document.querySelector(".filters")?.addEventListener("change", (event) => {
  if (event.target.matches("input[type=radio], input[type=checkbox]")) event.currentTarget.requestSubmit();
});

// Empty fields need not stand in the address.
document.querySelector(".filters")?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) {
    if (value === "" || (name === "state" && value === "open")) event.formData.delete(name, value);
  }
});

// How long ago: told anew every half minute.
const MINUTE = 60, HOUR = 3600, DAY = 86400;
const ago = (seconds) => {
  if (seconds < MINUTE) return "just now";
  if (seconds < 90 * MINUTE) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < 48 * HOUR) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} days ago`;
};
setInterval(() => {
  const server = document.documentElement.dataset.ahead ?? 0; // seconds by which the server's clock is ahead of ours
  for (const one of document.querySelectorAll("time.ago")) {
    one.textContent = ago(Date.now() / 1000 + Number(server) - Date.parse(one.dateTime) / 1000);
  }
}, 30_000);
