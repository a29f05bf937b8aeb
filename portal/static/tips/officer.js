// An officer opens a report: keys are read in this page, stay in its memory, and go when it is closed.
import { Decrypter, Encrypter, identityToRecipient, sha256 } from "./age.js";
import { unwrap, wrap } from "./envelope.js";

const AGE = new TextEncoder().encode("age-encryption.org/v1\n");
const root = document.getElementById("opening");
const words = root.dataset;
const identities = [];
const opened = new Map(); // part -> envelope

const element = (id) => document.getElementById(id);
const say = (text) => { element("said").textContent = text; };
const isSealed = (bytes) => AGE.every((byte, at) => bytes[at] === byte);
const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

function fingerprint(recipient) {
  const digest = sha256(new TextEncoder().encode(recipient));
  const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 32);
  return digits.match(/.{4}/g).join(" ");
}

async function identityIn(file, passphrase) {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  const said = new TextDecoder().decode(await decrypter.decrypt(await bytesOf(file)));
  return said.split("\n").find((line) => line.startsWith("AGE-SECRET-KEY-")).trim();
}

// Every layer that one of the keys opens is taken off; with the second person's key the last one goes.
async function withoutSeals(bytes) {
  let left = bytes;
  while (isSealed(left)) {
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    try {
      left = await decrypter.decrypt(left);
    } catch {
      return left;
    }
  }
  return left;
}

async function sealedTo(bytes, layers) {
  let sealed = bytes;
  for (const layer of layers) {
    const encrypter = new Encrypter();
    for (const recipient of layer) encrypter.addRecipient(recipient);
    sealed = await encrypter.encrypt(sealed);
  }
  return sealed;
}

function offer(place, bytes, name, text) {
  const link = document.createElement("a");
  link.className = "govuk-link";
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.textContent = text;
  place.replaceChildren(link);
}

function line(list, name, value) {
  if (!value) return;
  const term = document.createElement("dt");
  term.className = "govuk-summary-list__key";
  term.textContent = name;
  const said = document.createElement("dd");
  said.className = "govuk-summary-list__value tg-said";
  said.textContent = value;
  const row = document.createElement("div");
  row.className = "govuk-summary-list__row";
  row.append(term, said);
  list.append(row);
}

function show(place, part, name) {
  const text = () => new TextDecoder().decode(part.content);
  if (part.header.kind === "file") {
    offer(place, part.content, part.header.name || `${name}.bin`, `${words.save} ${part.header.name}`);
    return;
  }
  if (part.header.kind === "answer") {
    place.textContent = text();
    return;
  }
  const said = JSON.parse(text());
  const list = document.createElement("dl");
  list.className = "govuk-summary-list";
  line(list, words.what, said.what);
  line(list, words.project, said.project && [said.project.name, said.project.number, said.project.words].filter(Boolean).join(" "));
  line(list, words.place, said.place?.name);
  line(list, words.office, said.office);
  line(list, words.since, said.since);
  line(list, words.who, said.who);
  line(list, words.contact, said.contact);
  place.replaceChildren(list);
}

async function open(row) {
  const place = row.querySelector("[data-shown]");
  const answer = await fetch(row.dataset.part);
  if (!answer.ok) {
    place.textContent = words.missing;
    return;
  }
  const left = await withoutSeals(new Uint8Array(await answer.arrayBuffer()));
  const name = row.dataset.part.split("/").pop();
  if (isSealed(left)) {
    // Still sealed: to somebody else, or to the second person, to whom it may be handed on as it is.
    offer(place, left, `${name}.half.age`, words.half);
    return;
  }
  const part = unwrap(left);
  if (!part) {
    place.textContent = words.damaged;
    return;
  }
  opened.set(row, left);
  show(place, part, name);
}

element("keys").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = element("key-file").files[0];
  const passphrase = element("passphrase");
  if (!file) return say(words.noFile);
  say(words.wait);
  try {
    const identity = await identityIn(file, passphrase.value);
    if (!identities.includes(identity)) identities.push(identity);
    const item = document.createElement("li");
    item.textContent = fingerprint(await identityToRecipient(identity));
    element("loaded").append(item);
    event.target.reset();
    for (const row of document.querySelectorAll("[data-part]")) if (!opened.has(row)) await open(row);
    say(opened.size ? words.opened : words.second);
    element("reseal").hidden = !opened.size;
  } catch {
    passphrase.value = "";
    say(words.wrong);
  }
  return null;
});

element("half-file").addEventListener("change", async (event) => {
  const place = element("half-shown");
  const file = event.target.files[0];
  if (!file) return;
  const left = await withoutSeals(await bytesOf(file));
  const part = isSealed(left) ? null : unwrap(left);
  if (part) show(place, part, file.name);
  else place.textContent = words.damaged;
});

element("reseal").addEventListener("click", async () => {
  const groups = JSON.parse(words.groups);
  const layers = groups.two_people ? [groups.A, groups.B] : [[...groups.A, ...groups.B]];
  say(words.wait);
  for (const [row, envelope] of opened) {
    if (row.dataset.direction !== "in") continue;
    const body = await sealedTo(envelope, layers);
    const answer = await fetch(row.dataset.part, { method: "POST", body, headers: { "x-form-token": words.token, "content-type": "application/octet-stream" } });
    if (!answer.ok) return say(words.failed);
  }
  return say(words.resealed);
});

// What `threegates tips reseal` wrote: each file bears its part's name.
element("resealed-files").addEventListener("change", async (event) => {
  say(words.wait);
  for (const file of event.target.files) {
    const part = `/tip-parts/${file.name.replace(/\.age$/, "")}`;
    if (!document.querySelector(`[data-part="${CSS.escape(part)}"]`)) return say(words.failed);
    const answer = await fetch(part, { method: "POST", body: await bytesOf(file), headers: { "x-form-token": words.token, "content-type": "application/octet-stream" } });
    if (!answer.ok) return say(words.failed);
  }
  return say(words.resealed);
});

element("answering").addEventListener("submit", async (event) => {
  const text = element("answer");
  if (!text.value.trim() || element("sealed").value) return;
  event.preventDefault();
  const content = new TextEncoder().encode(text.value.trim());
  if (content.length > 12000) {
    say(words.long);
    return;
  }
  const recipients = JSON.parse(words.answerTo);
  const bytes = await sealedTo(wrap({ kind: "answer" }, content), [recipients]);
  element("sealed").value = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  // What was written never leaves: the field has no name.
  event.target.submit();
});

