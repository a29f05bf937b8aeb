// The optional puzzle: a number whose hash with the challenge begins with so many zero bits (portal/intake/pacing.py).
import { sha256 } from "./age.js";

const BITS = 17;
const form = document.getElementById("check");
const challenge = form.dataset.challenge;
let number = 0;

const zeros = (digest) => Math.clz32((digest[0] << 24) | (digest[1] << 16) | (digest[2] << 8) | digest[3]);

// In slices, so that the page answers meanwhile.
function work() {
  for (const end = number + 2000; number < end; number += 1) {
    if (zeros(sha256(new TextEncoder().encode(`${challenge}:${number}`))) >= BITS) {
      document.getElementById("number").value = String(number);
      const working = document.getElementById("working");
      working.textContent = working.dataset.done;
      return;
    }
  }
  setTimeout(work);
}

work();
