// The envelope around a text or file inside its seals: registry/tips/sealing.py, `wrap` and `unwrap`.
const MAGIC = new TextEncoder().encode("threegates tip 1\n");
const END = 0x80;

// { header: {kind, name, media_type}, content: Uint8Array }, or null where it is none.
export function unwrap(envelope) {
  let end = envelope.length;
  while (end > 0 && envelope[end - 1] === 0) end -= 1;
  const start = MAGIC.length + 4;
  if (end <= start || envelope[end - 1] !== END || MAGIC.some((byte, at) => envelope[at] !== byte)) return null;
  const length = new DataView(envelope.buffer, envelope.byteOffset).getUint32(MAGIC.length);
  if (length > 8192 || start + length >= end) return null;
  try {
    const header = JSON.parse(new TextDecoder().decode(envelope.subarray(start, start + length)));
    return { header, content: envelope.slice(start + length, end - 1) };
  } catch {
    return null;
  }
}

// A content as it is sealed: padded to the next power of two, at least 16 KiB.
export function wrap(header, content) {
  const said = new TextEncoder().encode(JSON.stringify({ kind: header.kind, name: header.name ?? "", media_type: header.media_type ?? "" }));
  const length = MAGIC.length + 4 + said.length + content.length + 1;
  let size = 16 * 1024;
  while (size < length) size *= 2;
  const envelope = new Uint8Array(size);
  envelope.set(MAGIC);
  new DataView(envelope.buffer).setUint32(MAGIC.length, said.length);
  envelope.set(said, MAGIC.length + 4);
  envelope.set(content, MAGIC.length + 4 + said.length);
  envelope[length - 1] = END;
  return envelope;
}
