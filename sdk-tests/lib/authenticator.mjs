// An authenticator app (RFC 6238 with SHA-1, six digits, 30 seconds), and phones for text messages.

import { createHmac } from 'node:crypto';

const STEP_SECONDS = 30;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function decodeBase32(text) {
  const bits = [...text].map((character) => ALPHABET.indexOf(character.toUpperCase()).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** The code of a step. */
export function codeAt(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const word = digest.readUInt32BE(digest.at(-1) & 0x0f) & 0x7fff_ffff;
  return String(word % 1_000_000).padStart(6, '0');
}

/** The app of somebody: every code that it gives is a new one, for which it moves the server's clock if it must. */
export function authenticatorApp(server, secret) {
  let last = 0;
  return {
    async nextCode() {
      let step = Math.floor((await server.clock.now()) / 1000 / STEP_SECONDS);
      if (step <= last) {
        await server.clock.advance((last + 1 - step) * STEP_SECONDS);
        step = last + 1;
      }
      last = step;
      return codeAt(secret, step);
    },
    /** The code that it gave last. */
    lastCode: () => codeAt(secret, last),
  };
}

let phones = 0;

/** A phone number that no other test of the file has. */
export const uniquePhone = () => `+1202555${String(1000 + phones++)}`;

/** The newest code that was sent to a phone. */
export async function lastSmsCode(server, number, { count = 1 } = {}) {
  const message = await server.inbox.lastFor(number, { count });
  if (message.channel !== 'sms') throw new Error(`a text message was expected: ${JSON.stringify(message)}`);
  return message.code;
}
