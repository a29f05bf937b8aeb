// Coming back with the receipt: it stays in this page; the server sees the lookup number and gives sealed answers.
import { Decrypter } from "./age.js";
import { unwrap } from "./envelope.js";
import { identityOf, lookupOf, readReceipt } from "./receipt.js";

const opening = document.getElementById("opening");
const adding = document.getElementById("adding");
const said = document.getElementById("said");
const older = document.getElementById("older");
const answers = document.getElementById("answers");
let entropy = null;

const say = (words) => { said.textContent = words; };

async function ask(address, fields, files = []) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const file of files) form.append("upload", file, file.name);
  const answer = await fetch(address, { method: "POST", body: form, credentials: "omit" });
  return answer.json();
}

async function opened(sealed) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identityOf(entropy));
  const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0));
  const part = unwrap(await decrypter.decrypt(bytes));
  return new TextDecoder().decode(part.content);
}

async function shown(one) {
  const article = document.createElement("article");
  article.className = "tg-answer";
  const day = document.createElement("h3");
  day.className = "govuk-heading-s";
  day.textContent = one.day;
  const text = document.createElement("p");
  text.className = "govuk-body tg-said";
  text.textContent = await opened(one.sealed).catch(() => opening.dataset.unopened);
  article.append(day, text);
  return article;
}

async function load(olderThan) {
  const thread = await ask(opening.dataset.sealed, { lookup: lookupOf(entropy), older_than: olderThan });
  document.getElementById("thread").hidden = !thread.found;
  if (!thread.found) return say(opening.dataset.none);
  const found = await Promise.all(thread.answers.map(shown));
  if (olderThan) answers.prepend(...found);
  else answers.replaceChildren(...found);
  older.hidden = !thread.older;
  older.value = thread.older;
  return say(answers.childElementCount ? "" : opening.dataset.empty);
}

opening.addEventListener("submit", async (event) => {
  event.preventDefault();
  entropy = readReceipt(document.getElementById("written").value);
  if (!entropy) return say(opening.dataset.noReceipt);
  return load("").catch(() => say(opening.dataset.failed));
});

older.addEventListener("click", () => load(older.value).catch(() => say(opening.dataset.failed)));

adding.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const upload = document.getElementById("upload");
  try {
    const answer = await ask(opening.dataset.add, { lookup: lookupOf(entropy), text: text.value }, upload.files);
    adding.reset();
    say(answer.said);
  } catch {
    say(opening.dataset.failed);
  }
});
