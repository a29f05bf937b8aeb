// A key is made in this browser: its private half is saved as a file under a passphrase, only the public one is sent.
import { Encrypter, generateX25519Identity, identityToRecipient } from "./age.js";

const making = document.getElementById("making");
const said = document.getElementById("made");

making.addEventListener("submit", async (event) => {
  event.preventDefault();
  const passphrase = document.getElementById("new-passphrase");
  if (passphrase.value.length < 16) {
    said.textContent = making.dataset.short;
    return;
  }
  if (passphrase.value !== document.getElementById("again").value) {
    said.textContent = making.dataset.differs;
    return;
  }
  said.textContent = making.dataset.wait;
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase.value);
  const file = await encrypter.encrypt(`# threegates tips\n# public key: ${recipient}\n${identity}\n`);
  const link = document.createElement("a");
  link.className = "govuk-link";
  link.href = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }));
  link.download = "threegates-key.age";
  link.textContent = making.dataset.save;
  said.replaceChildren(link);
  document.getElementById("recipient").value = recipient;
  making.reset();
});
