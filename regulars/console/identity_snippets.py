"""How a product's server signs who its users are: code to copy, for the settings page.

Each function stands alone and needs its language's standard library only. The tests run them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """A language's two ways to sign: `jwt` runs out after an hour, `hmac` never does."""

    key: str
    label: str
    jwt: str
    hmac: str


PYTHON = Snippet(
    "py",
    "Python",
    jwt="""\
import base64, hashlib, hmac, json, os, time

SECRET = os.environ["IDENTITY_SECRET"]


def regulars_token(user_id):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"user_id": str(user_id), "exp": int(time.time()) + 3600}
    signed = b".".join(part(json.dumps(each).encode()) for each in (header, claims))
    signature = hmac.digest(SECRET.encode(), signed, hashlib.sha256)
    return (signed + b"." + part(signature)).decode()""",
    hmac="""\
import hashlib, hmac, os

SECRET = os.environ["IDENTITY_SECRET"]


def regulars_token(user_id):
    return hmac.new(SECRET.encode(), str(user_id).encode(), hashlib.sha256).hexdigest()""",
)

NODE = Snippet(
    "js",
    "Node",
    jwt="""\
import { createHmac } from "node:crypto"

const SECRET = process.env.IDENTITY_SECRET

export function regularsToken(userId) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url")

  const header = { alg: "HS256", typ: "JWT" }
  const claims = { user_id: String(userId), exp: Math.floor(Date.now() / 1000) + 3600 }
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`
}""",
    hmac="""\
import { createHmac } from "node:crypto"

const SECRET = process.env.IDENTITY_SECRET

export function regularsToken(userId) {
  return createHmac("sha256", SECRET).update(String(userId)).digest("hex")
}""",
)

PHP = Snippet(
    "php",
    "PHP",
    jwt="""\
<?php
function regulars_token($userId) {
    $secret = getenv('IDENTITY_SECRET');
    $part = fn($data) => rtrim(strtr(base64_encode($data), '+/', '-_'), '=');

    $header = json_encode(['alg' => 'HS256', 'typ' => 'JWT']);
    $claims = json_encode(['user_id' => (string) $userId, 'exp' => time() + 3600]);
    $signed = $part($header) . '.' . $part($claims);
    return $signed . '.' . $part(hash_hmac('sha256', $signed, $secret, true));
}""",
    hmac="""\
<?php
function regulars_token($userId) {
    return hash_hmac('sha256', (string) $userId, getenv('IDENTITY_SECRET'));
}""",
)

RUBY = Snippet(
    "rb",
    "Ruby",
    jwt="""\
require "json"
require "openssl"

def regulars_token(user_id)
  secret = ENV.fetch("IDENTITY_SECRET")
  part = ->(data) { [data].pack("m0").tr("+/", "-_").delete("=") }

  header = { alg: "HS256", typ: "JWT" }
  claims = { user_id: user_id.to_s, exp: Time.now.to_i + 3600 }
  signed = [header, claims].map { |each| part.call(each.to_json) }.join(".")
  "#{signed}.#{part.call(OpenSSL::HMAC.digest("SHA256", secret, signed))}"
end""",
    hmac="""\
require "openssl"

def regulars_token(user_id)
  OpenSSL::HMAC.hexdigest("SHA256", ENV.fetch("IDENTITY_SECRET"), user_id.to_s)
end""",
)

SNIPPETS = (PYTHON, NODE, PHP, RUBY)

# How the page hands over what its server signed.
PAGE = """\
<script>
  window.regulars = window.regulars || [];
  regulars.push(["identify", "the user's id", {
    email: "amara@example.com", name: "Amara Okafor"
  }, { token: "what your server signed" }]);
</script>"""
