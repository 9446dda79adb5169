// Loaded before the client (node --require): sends what is meant for Coveo to the sandbox, and lets nothing else out.
"use strict";

const sandbox = process.env.COVEO_API_URL;
const coveo = /^https:\/\/(api|platform)[a-z-]*\.cloud\.coveo\.com(?=\/)/;
const realFetch = globalThis.fetch;

function here(address) {
  const url = address.replace(coveo, sandbox);
  if (!url.startsWith(`${sandbox}/`)) {
    throw new Error(`the client called ${url}`);
  }
  return url;
}

globalThis.fetch = async (input, options) =>
  input instanceof Request
    ? realFetch(new Request(here(input.url), input), options)
    : realFetch(here(String(input)), options);
