// The review by keyboard: an enhancement only, every step is a plain form or link.
const KEPT = "threegates-review-keys";
const form = document.getElementById("review-form");
const toggle = document.getElementById("keys-on");

function keysAreOn() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

if (toggle) {
  toggle.closest("[data-keys-switch]").hidden = false;
  toggle.checked = keysAreOn();
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(KEPT, toggle.checked ? "on" : "off");
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  });
}

function isTyping(target) {
  if (target.matches("textarea, select")) return true;
  return target.matches("input") && !["checkbox", "radio", "button", "submit"].includes(target.type);
}

function press(element) {
  if (element.type === "radio" || element.type === "checkbox") {
    element.focus();
    element.click();
  } else if (element.matches("input")) {
    element.focus();
    element.select();
  } else {
    element.click();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.key === "Escape" && isTyping(target)) {
    target.blur();
    return;
  }
  if (isTyping(target)) return;
  if (toggle ? !toggle.checked : !keysAreOn()) return;
  const key = event.key.toLowerCase();
  if (form && key === "enter" && !target.matches("a, button, summary")) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-submits-review]"));
    return;
  }
  const found = /^[1-9]$/.test(key)
    ? document.querySelector(`[data-candidate="${key}"]`)
    : /^[a-z]$/.test(key) && document.querySelector(`[data-key="${key}"]`);
  if (!found) return;
  event.preventDefault();
  press(found);
});
