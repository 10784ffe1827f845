// A service whose callers log in at Latchkey: `node main.mjs`.

import express from "express";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const ISSUER = process.env.BASE_URL ?? "http://localhost:3000";
const AUDIENCE = process.env.JWT_AUDIENCE ?? "latchkey";
const ALGORITHM = process.env.JWT_ALGORITHM ?? "EdDSA";

// One for the whole process: it keeps the keys.
const keys = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), {
  cacheMaxAge: 300_000,
  cooldownDuration: 60_000,
  timeoutDuration: 5_000,
});

/** The claims of an access token; throws if it must not be honoured. */
export async function verify(token) {
  const { payload } = await jwtVerify(token, keys, {
    algorithms: [ALGORITHM],
    typ: "at+jwt",
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: 5,
    requiredClaims: ["sub", "iat", "exp"],
  });
  return payload;
}

/** Lets only callers with a valid token pass; `request.caller` has the claims. */
export async function authenticate(request, response, next) {
  const [scheme, token] = (request.get("authorization") ?? "").split(" ");
  const refuse = () => response.status(401).set("WWW-Authenticate", "Bearer").json({ detail: "The token is not valid." });
  if (!/^(bearer|jwt)$/i.test(scheme) || !token) return refuse();
  try {
    request.caller = await verify(token);
  } catch (error) {
    const isRefusal = error instanceof errors.JOSEError;
    if (isRefusal && !["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT"].includes(error.code)) return refuse();
    // The token may be valid.
    return response.status(503).json({ detail: "The keys of Latchkey cannot be fetched." });
  }
  next();
}

const app = express();

app.get("/api/me/", authenticate, ({ caller }, response) => {
  response.json({ id: caller.sub, username: caller.username, role: caller.role });
});

app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
