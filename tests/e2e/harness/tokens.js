// Access tokens as a token server makes them: JWT with HS256 (RFC 7519).
import { createHmac } from 'node:crypto';

// isthmus-node --dev.
export const DEV_KEY = { name: 'devkey', secret: 'devsecret-change-me-32-characters!' };

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function makeToken({ identity, video, name = identity, ttlSeconds = 3600, key = DEV_KEY }) {
  const now = Math.floor(Date.now() / 1000);
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({
    iss: key.name,
    sub: identity,
    name,
    nbf: now - 5,
    exp: now + ttlSeconds,
    video,
  })}`;
  return `${body}.${createHmac('sha256', key.secret).update(body).digest('base64url')}`;
}
