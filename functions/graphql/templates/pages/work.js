// Computes the proof of work of the form on this page, and sends the form.
"use strict";

// The first 64 primes, whose roots give SHA-256 its constants (FIPS 180-4).
const primes = [];
for (let n = 2; primes.length < 64; n++) {
  if (primes.every((prime) => n % prime)) primes.push(n);
}
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const constants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const start = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const words = new Int32Array(64);

// The first 32 bits of the SHA-256 of a text of at most 55 ASCII characters: that is one block.
function digest(text) {
  words.fill(0, 0, 16);
  for (let i = 0; i < text.length; i++) {
    words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  }
  words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
  words[15] = 8 * text.length;
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15];
    const y = words[i - 2];
    const s = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const t = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s + words[i - 7] + t) | 0;
  }
  let [a, b, c, d, e, f, g, h] = start;
  for (let i = 0; i < 64; i++) {
    const s = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t = (h + s + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
    const u = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const v = (u + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t) | 0;
    d = c;
    c = b;
    b = a;
    a = (t + v) | 0;
  }
  return (start[0] + a) | 0;
}

// For each round, a number whose digest begins with as many zero bits as the challenge says. Works in short parts, so
// that the page stays alive.
function solve(challenge, done) {
  const [, rounds, bits, , seed] = challenge.split(".");
  const numbers = [];
  let number = 0;
  function part() {
    for (const end = number + 20000; number < end; number++) {
      if (Math.clz32(digest(`${seed}:${numbers.length}:${number}`)) >= bits) {
        numbers.push(number);
        number = 0;
        if (numbers.length == rounds) return done(`${challenge}:${numbers.join()}`);
        return setTimeout(part);
      }
    }
    setTimeout(part);
  }
  part();
}

const form = document.getElementById("work");
document.getElementById("working").hidden = false;
solve(form.dataset.challenge, (proof) => {
  form.elements.work.value = proof;
  if ("byItself" in form.dataset) form.submit();
  else document.getElementById("go-on").hidden = false;
});
