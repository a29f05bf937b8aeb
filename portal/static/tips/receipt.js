// What is derived from a receipt: the same as registry/tips/receipts.py, in the browser. The cryptography is age.js's.
import { bech32, chineseWords, englishWords, hkdf, mnemonicToEntropy, sha256, identityToRecipient } from "./age.js";

const SALT = new TextEncoder().encode("threegates tips 1");
const WORDS = 12;

// The receipt's 16 bytes from what somebody typed; null where it cannot be one.
export function readReceipt(written) {
  const plain = written.slice(0, 400).normalize("NFKC").toLowerCase();
  const chinese = plain.match(/[\u4e00-\u9fff]/g);
  const words = chinese ?? plain.match(/[a-z]+/g) ?? [];
  if (words.length !== WORDS) return null;
  try {
    return mnemonicToEntropy(words.join(" "), chinese ? chineseWords : englishWords);
  } catch {
    return null;
  }
}

const derive = (entropy, purpose) => hkdf(sha256, entropy, SALT, new TextEncoder().encode(purpose), 32);

// The number under which the thread is found, in hexadecimal.
export const lookupOf = (entropy) => Array.from(derive(entropy, "lookup"), (byte) => byte.toString(16).padStart(2, "0")).join("");

// The private key (AGE-SECRET-KEY-1…) that opens answers.
export const identityOf = (entropy) => bech32.encodeFromBytes("AGE-SECRET-KEY-", derive(entropy, "answers")).toUpperCase();

export { identityToRecipient };
