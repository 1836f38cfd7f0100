// The portal works without this script. It keeps a form from being sent twice, asks before what cannot be undone,
// submits a filter when a choice is made, lets single keys choose an answer (Enter sends it), and lets the keyboard reach
// tables that are wider than their card.
"use strict";
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.ask || form.dataset.ask;
  if (question && !window.confirm(question)) { event.preventDefault(); return; }
  if (form.method === "post") {
    const all = form.querySelectorAll("button");
    setTimeout(() => all.forEach((b) => { b.disabled = true; }), 0);
    // the answer is a download: the page stays, and its button must come back
    if (form.dataset.stays !== undefined) setTimeout(() => all.forEach((b) => { b.disabled = false; }), 6000);
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches(".filters select")) event.target.form.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio]), textarea, select")) return;
  const chosen = [...document.querySelectorAll("[data-key]")].find((e) => e.dataset.key === event.key.toLowerCase());
  if (!chosen) return;
  event.preventDefault();
  chosen.focus();
  chosen.click();
});
window.addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((b) => { b.disabled = false; }));
const reachable = () => document.querySelectorAll(".scroll").forEach((box) => {
  const wide = box.scrollWidth > box.clientWidth;
  const heading = (box.closest(".card") ?? document).querySelector("h2") ?? document.querySelector("h1");
  const told = wide ? { tabindex: "0", role: "region", "aria-label": heading?.textContent.trim() ?? "" } : {};
  for (const name of ["tabindex", "role", "aria-label"]) { if (name in told) box.setAttribute(name, told[name]); else box.removeAttribute(name); }
});
reachable();
window.addEventListener("resize", reachable);
