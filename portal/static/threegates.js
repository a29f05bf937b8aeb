// Enhancements only: every task works without this file.
import { initAll } from "./govuk/govuk-frontend.min.js";

initAll();

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent.trim();
    await navigator.clipboard.writeText(text);
    const said = document.getElementById(button.dataset.copied);
    said.textContent = said.dataset.text;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const list of document.querySelectorAll("select[data-submits]")) {
  list.addEventListener("change", () => list.form.requestSubmit());
}

// My desk: j and k move between its rows; a field or a list keeps its own keys.
const rows = [...document.querySelectorAll(".tg-cases tbody tr")];
if (rows.length > 0) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), rows.length - 1)];
    next.querySelector("a").focus();
    event.preventDefault();
  });
}
