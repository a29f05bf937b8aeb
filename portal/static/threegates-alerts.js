// The inbox by keyboard: an enhancement only, every step is a plain link, box or button.
const form = document.getElementById("alerts-form");
const lines = [...document.querySelectorAll("[data-alert]")];
let at = -1;

function go(step) {
  if (!lines.length) return;
  at = Math.min(Math.max(at + step, 0), lines.length - 1);
  lines[at].querySelector("a").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.matches("textarea, select, input:not([type=checkbox])")) return;
  const here = lines.findIndex((line) => line.contains(target));
  if (here >= 0) at = here;
  switch (event.key.toLowerCase()) {
    case "j": go(1); break;
    case "k": go(-1); break;
    case "x": lines[at]?.querySelector("input")?.click(); break;
    case "o": lines[at]?.querySelector("a").click(); break;
    case "a": form?.querySelector("[data-acknowledge]").click(); break;
    default: return;
  }
  event.preventDefault();
});
