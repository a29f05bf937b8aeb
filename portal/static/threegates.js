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
